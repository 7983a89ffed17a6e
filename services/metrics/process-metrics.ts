// CPU, memory, event loop and the like of this process, at the same cost for ten open connections and for ten thousand.
import { readdirSync, statSync } from "node:fs";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

// Each of them makes a list of everything that is open.
const costly = [
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
  "nodejs_active_resources",
  "nodejs_active_resources_total",
];
const openFiles = "process_open_fds";
const openFilesDirectory = "/proc/self/fd";

/** Shows them from the next scrape on. */
export function showProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of costly) registry.removeSingleMetric(name);
  if (!registry.getSingleMetric(openFiles)) return;
  registry.removeSingleMetric(openFiles);
  new Gauge({
    name: openFiles,
    help: "Number of open file descriptors.",
    registers: [registry],
    collect() {
      this.set(countOpenFiles());
    },
  });
}

/** Of this process. Linux tells the number as the size of the directory since 6.2; before, they are counted. */
export function countOpenFiles(): number {
  return statSync(openFilesDirectory).size || readdirSync(openFilesDirectory).length;
}
