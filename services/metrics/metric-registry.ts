// The metrics of a process. Tables are read anew at every scrape; only what has to be measured as it happens, durations, is
// counted here in between.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { MetricRow, MetricTable } from "./metric-table.js";
import { showProcessMetrics } from "./process-metrics.js";

export interface MetricRegistry {
  /** From now on each scrape shows these rows, read from what `take` then gives. A name can be shown once. */
  show<Snapshot>(table: MetricTable<Snapshot>, take: () => Snapshot): void;
  /** A histogram in seconds. */
  histogram<Label extends string>(name: string, help: string, labels: readonly Label[]): Histogram<Label>;
  counter<Label extends string>(name: string, help: string, labels: readonly Label[]): Counter<Label>;
  /** Everything in Prometheus' text format. */
  scrape(): Promise<string>;
  readonly contentType: string;
}

// From what one host on the embedded bus needs to what a change of many minutes needs.
const secondsBuckets = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** A registry that already shows CPU, memory, event loop and the like of this process. */
export function createMetricRegistry(): MetricRegistry {
  const registry = new Registry();
  const registers = [registry];
  const refreshers: (() => void)[] = [];
  showProcessMetrics(registry);
  return {
    contentType: registry.contentType,
    show(table, take) {
      const rows = table.map((row) => createRow(row, registers));
      refreshers.push(() => {
        const snapshot = take();
        for (const refresh of rows) refresh(snapshot);
      });
    },
    histogram: (name, help, labels) =>
      new Histogram({ name, help, labelNames: [...labels], buckets: secondsBuckets, registers }),
    counter: (name, help, labels) => new Counter({ name, help, labelNames: [...labels], registers }),
    scrape() {
      for (const refresh of refreshers) refresh();
      return registry.metrics();
    },
  };
}

function createRow<Snapshot>(row: MetricRow<Snapshot>, registers: Registry[]): (snapshot: Snapshot) => void {
  const { type, name, help, labels, read } = row;
  const Metric = type === "counter" ? Counter : Gauge;
  const metric = new Metric({ name, help, labelNames: [...labels], registers });
  return (snapshot) => {
    const values = read(snapshot);
    metric.reset();
    if (typeof values === "number") metric.inc(values);
    else for (const { labels: of, value } of values) metric.inc(of, value);
  };
}
