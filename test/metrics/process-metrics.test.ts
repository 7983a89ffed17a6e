// Figures of this very process.
import { closeSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { createMetricRegistry } from "../../services/metrics/metric-registry.js";
import { parseExposition } from "./parse-exposition.js";

const registry = createMetricRegistry();
const families = async () => parseExposition(await registry.scrape());

test("open files are counted at every scrape", async () => {
  const openFiles = async () => (await families()).get("process_open_fds")?.samples.get("process_open_fds{}") ?? 0;
  const before = await openFiles();
  const opened = Array.from({ length: 50 }, () => openSync("/dev/null", "r"));
  const after = await openFiles();
  for (const file of opened) closeSync(file);
  expect(before).toBeGreaterThan(3);
  expect(after - before).toBe(50);
});

test("CPU, memory and event loop are shown, and nothing that takes longer with every open connection", async () => {
  const names = [...(await families()).keys()];
  expect(names).toEqual(
    expect.arrayContaining([
      "process_cpu_seconds_total",
      "process_resident_memory_bytes",
      "process_max_fds",
      "nodejs_eventloop_lag_seconds",
      "nodejs_gc_duration_seconds",
      "nodejs_heap_size_used_bytes",
    ]),
  );
  expect(names.filter((name) => name.startsWith("nodejs_active_"))).toEqual([]);
});
