// The short form of `npm run chaos`: two epochs whose orders and faults are always the same.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runChaos } from "./chaos.js";

const seeds = ["short/0", "short/1"];

test(`two epochs of chaos over Kafka break no promise: seeds ${seeds.join(" and ")}`, {
  timeout: 300_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-chaos-"));
  const lines: string[] = [];
  const report = (line: string) => void lines.push(line);
  const summary = await runChaos({ seeds, runs: Number.POSITIVE_INFINITY, hosts: 12, brokers: 1, directory, report });
  console.log(`${lines.join("\n")}\n${JSON.stringify(summary)}`);
  expect(summary.epochs).toBe(2);
  expect(summary.runs).toBeGreaterThan(10);
  expect(summary.executions).toBeGreaterThan(0);
  expect(summary.violations, `logs and histories are in ${directory}`).toBe(0);
  rmSync(directory, { recursive: true, force: true });
});
