// Aggregation and summary: 10,000 synthetic answers, 70 distinct or all distinct, with planted outliers; and log templates.
import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { addLines, emptyLineTable, shapesOf } from "../services/fleet/aggregate/templates/line-table.js";
import { growTemplates } from "../services/fleet/aggregate/templates/template-tree.js";
import { summarizeRun } from "../services/fleet/summarize/summarize-run.js";
import { AccountingSchema } from "../services/gen/systemsmanager/fleet/v1/run_pb.js";
import type { Summary } from "../services/gen/systemsmanager/fleet/v1/summary_pb.js";
import {
  ActiveState,
  ListServicesResponseSchema,
  LoadState,
} from "../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { findOperation, operations } from "../services/shared/operations.js";
import { type BenchLine, benchLine, median } from "./bench-line.js";

const hostCount = 10_000;
const serviceCount = 10;
const repeats = 5;
const bench = "aggregate";

interface Group {
  digest: string;
  body: Uint8Array;
  hosts: string[];
}

/** Planted: what it is, the host, and a change to its services. */
const outliers = [
  {
    what: "failed",
    host: "host-01234",
    service: "service-03.service",
    change: { activeState: ActiveState.FAILED, subState: "failed" },
  },
  { what: "oom-kill", host: "host-09876", service: "service-07.service", change: { result: "oom-kill" } },
  { what: "masked", host: "host-04321", service: "service-09.service", change: { enabledState: "masked" } },
  { what: "missing", host: "host-05555", service: "service-05.service", change: undefined },
  { what: "intruder.service", host: "host-07777", service: "intruder.service", change: {} },
];

/** Runs the benchmark. */
export async function run(_options: { json: boolean }): Promise<BenchLine[]> {
  const few = makeGroups(70);
  const bytes = median(few.map(({ body }) => body.length));
  return [
    benchLine({ bench, claim: "size of one synthetic answer", unit: "bytes", value: bytes, goal: ">= 1000" }),
    ...measureSummary(few, "10,000 answers, 70 distinct"),
    ...measureSummary(makeGroups(hostCount), "10,000 answers, all distinct"),
    ...measureTemplates(),
  ];
}

function measureSummary(groups: readonly Group[], claim: string): BenchLine[] {
  const times: number[] = [];
  const before = process.memoryUsage.rss();
  let peak = before;
  let summary: Summary | undefined;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = performance.now();
    summary = summarize(groups);
    times.push(performance.now() - start);
  }
  // Once more, unmeasured: looking at memory takes time.
  summarize(
    watch(groups, () => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }),
  );
  peak = Math.max(peak, process.memoryUsage.rss()) - before;
  const found = outliers.filter((outlier) => tells(summary as Summary, outlier)).length;
  const line = (what: string, unit: string, value: number, goal?: string) =>
    benchLine({ bench, claim: `${claim}: ${what}`, unit, value, ...(goal ? { goal } : {}) });
  return [
    line("time to the summary, median", "ms", median(times), groups.length < 1_000 ? "<= 100" : "<= 5000"),
    line("growth of resident memory, peak", "MiB", peak / 2 ** 20, "<= 512"),
    line("tokens of the text", "tokens", summary?.textTokens ?? 0, "<= 2000"),
    line(`planted outliers in the text, of ${outliers.length}`, "outliers", found, `>= ${outliers.length}`),
  ];
}

function* watch(groups: readonly Group[], look: () => void): Generator<Group> {
  for (const [index, group] of groups.entries()) {
    if (index % 50 === 0) look();
    yield group;
  }
}

// An outlier is told when one line has its host, its service and what is odd about it.
function tells(summary: Summary, { host, service, what }: (typeof outliers)[number]): boolean {
  return summary.text.split("\n").some((line) => [host, service, what].every((part) => line.includes(part)));
}

function summarize(groups: Iterable<Group>): Summary {
  const name = [...operations.keys()].find((candidate) => candidate.endsWith("/ListServices")) ?? "";
  return summarizeRun({
    operation: findOperation(name),
    runId: "",
    revision: 1,
    accounting: create(AccountingSchema, { targeted: hostCount, ok: hostCount }),
    groups,
    failures: [],
    handles: [],
    tokenBudget: 0,
  });
}

function makeGroups(distinct: number): Group[] {
  const groups = new Map<string, Group>();
  for (let index = 0; index < hostCount; index++) {
    const host = `host-${String(index).padStart(5, "0")}`;
    const body = toBinary(ListServicesResponseSchema, makeAnswer(host, index % distinct, distinct));
    const digest = createHash("sha256").update(body).digest("hex");
    const group = groups.get(digest) ?? { digest, body, hosts: [] };
    groups.set(digest, group);
    group.hosts.push(host);
  }
  return [...groups.values()];
}

// Variants differ in what is enabled and how a service last ended, as real fleets drift.
function makeAnswer(host: string, variant: number, distinct: number) {
  const planted = outliers.filter((outlier) => outlier.host === host);
  const names = Array.from({ length: serviceCount }, (_, index) => `service-${String(index).padStart(2, "0")}.service`);
  const missing = planted.filter(({ what }) => what === "missing").map(({ service }) => service);
  const extra = planted.map(({ service }) => service).filter((service) => !names.includes(service));
  const services = [...names, ...extra]
    .filter((name) => !missing.includes(name))
    .map((name, index) => ({
      name,
      description: `Synthetic service number ${index} of the benchmark`,
      loadState: LoadState.LOADED,
      activeState: ActiveState.ACTIVE,
      subState: index === variant % serviceCount ? "exited" : "running",
      enabledState: variant % 7 === index % 7 ? "static" : "enabled",
      mainPid: 1000 + (distinct > 1_000 ? variant : index),
      result: "success",
      ...planted.find(({ service }) => service === name)?.change,
    }));
  return create(ListServicesResponseSchema, {
    services,
    failedCount: planted.filter(({ what }) => what === "failed").length,
  });
}

function measureTemplates(): BenchLine[] {
  const lines = makeLines(200_000);
  const times: number[] = [];
  let templates = 0;
  for (let repeat = 0; repeat < 3; repeat++) {
    const start = performance.now();
    const table = emptyLineTable();
    for (let from = 0; from < lines.length; from += 100) addLines(table, lines.slice(from, from + 100), from / 100, 1);
    templates = growTemplates(shapesOf(table).exact).length;
    times.push(performance.now() - start);
  }
  const rate = (lines.length / median(times)) * 1000;
  return [
    benchLine({
      bench,
      claim: "log templates from 200,000 lines of 2,000 hosts",
      unit: "lines/s",
      value: rate,
      goal: ">= 200000",
    }),
    benchLine({ bench, claim: "templates found of 6 written", unit: "templates", value: templates, goal: "<= 6" }),
  ];
}

function makeLines(count: number): string[] {
  const shapes = [
    (n: number) => `Failed password for root from 10.${n % 256}.0.7 port ${n} ssh2`,
    (n: number) => `pam_unix(sshd:session): session opened for user deploy(uid=${n}) by (uid=0)`,
    (n: number) =>
      `2026-11-22T20:58:${String(n % 60).padStart(2, "0")}.123Z request 0x${n.toString(16)} took ${n % 900}ms`,
    (n: number) =>
      `upstream timed out (110: Connection timed out), client: 192.168.1.${n % 256}, request: "GET /item/${n} HTTP/1.1"`,
    (n: number) => `EXT4-fs (sda${n % 9}): mounted filesystem with ordered data mode, quota: none`,
    (n: number) =>
      `Started session-${n}.scope - Session ${n} of user deploy, id 7d4b9c6f-0000-4000-8000-${String(n).padStart(12, "0")}`,
  ];
  return Array.from({ length: count }, (_, n) => (shapes[n % shapes.length] as (n: number) => string)(n));
}
