// systems-manager trace WHAT --on SELECTOR: what happens in the kernels of many hosts, as it happens.
import { toJsonString } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import {
  type HostEvents,
  type TraceFinished,
  type TraceInterval,
  TraceResponseSchema,
} from "../gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import {
  profileSamplesPerSecond,
  traceKeys,
  traceNames,
  traceQuestion,
  traceSources,
} from "../shared/trace-questions.js";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";
import { exitCodeOf } from "./follow-run.js";
import { LiveTable } from "./live-table.js";
import { collect, parseCount, parseSeconds } from "./option-values.js";
import { exportProfile, type ProfileFiles } from "./profile/export-profile.js";
import { readProfile } from "./profile/fleet-profile.js";
import { describeCounts } from "./trace-table.js";

interface TraceOptions extends ClientOptions, ProfileFiles {
  readonly on: string;
  readonly for: number;
  readonly every: number;
  readonly pid: string[];
  readonly tree: string[];
  readonly comm: string[];
  readonly path: string[];
  readonly port: string[];
  readonly network: string[];
  readonly by?: string;
  readonly limit?: number;
}

/** Of a table that is drawn again at every interval, and of the last one. */
const liveRows = 10;
const finalRows = 20;

export const trace = addClientOptions(new Command("trace"))
  .argument("<what>", `one of ${traceNames.join(", ")}`)
  .argument(
    "[source]",
    `what top counts, one of ${traceSources.join(", ")}; latency measures syscall, tcp_connect, block_io, run_queue`,
  )
  .requiredOption("--on <selector>", 'hosts: all, names ("web-1,web-2") or CEL ("labels.role == \'web\'")')
  .option("--for <seconds>", "how long", parseSeconds, 30_000)
  .option("--every <seconds>", "how often all hosts are read", parseSeconds, 1_000)
  .option("--pid <pid>", "only this process (repeatable)", collect, [])
  .option("--tree <pid>", "only this process and all that it starts (repeatable)", collect, [])
  .option("--comm <name>", "only threads of this name (repeatable)", collect, [])
  .option("--path <path>", "only files at or below (repeatable)", collect, [])
  .option("--port <port>", "only this port of either end (repeatable)", collect, [])
  .option("--network <cidr>", "only this network of either end (repeatable)", collect, [])
  .option("--by <key>", `tell counts and latencies apart by one of ${traceKeys.join(", ")}`)
  .option("--limit <rows>", "most rows of top and latency", parseCount)
  .option("--folded <file>", "write the stacks of a profile there, as flame graph tools read them")
  .option("--pprof <file>", "write a profile there, as go tool pprof reads it")
  .option(
    "--flame-graph <file>",
    "draw a profile there: a page that needs nothing else, or a picture if it ends in .svg",
  )
  .action(async (what: string, source: string | undefined, options: TraceOptions) => {
    const screen = new LiveTable(process.stdout);
    refuseFiles(what, options);
    const responses = clientOf(options).trace({
      selector: options.on,
      question: {
        question: traceQuestion(what, { source, by: options.by, limit: options.limit }) as never,
        filter: filterOf(options),
      },
      duration: durationFromMs(options.for),
      interval: durationFromMs(options.every),
    });
    for await (const response of responses) {
      if (options.json) console.log(toJsonString(TraceResponseSchema, response));
      else if (response.event.case === "interval") showInterval(response.event.value, screen);
      if (response.event.case === "finished") await finish(response.event.value, what, options, screen);
    }
  });

function refuseFiles(what: string, { folded, pprof, flameGraph }: TraceOptions): void {
  const given = Object.entries({ folded, pprof, flameGraph }).find(([, file]) => file !== undefined);
  if (what === "profile" || !given) return;
  throw failure(ErrorReason.INVALID_ARGUMENT, `"${what}" has no stacks to write into ${given[1]}`, {
    metadata: { field: given[0] },
    remedy: "ask for a profile, or leave the file out",
  });
}

function filterOf({ pid, tree, comm, path, port, network }: TraceOptions) {
  const numbers = (values: readonly string[]) => values.map(parseCount);
  return {
    pids: numbers(pid),
    roots: numbers(tree),
    comms: comm,
    paths: path,
    ports: numbers(port),
    networks: network,
  };
}

// Each event once, behind the name of its host; what was too much to show is counted.
function showEvents(hostEvents: readonly HostEvents[]): void {
  for (const { host, events, omittedCount } of hostEvents) {
    for (const { line, event } of events) console.log(`${host}  ${line}${lineage(event?.process?.ancestors)}`);
    if (omittedCount > 0n) console.log(`${host}  … ${omittedCount} more`);
  }
}

// From the parent on.
function lineage(ancestors: readonly string[] = []): string {
  return ancestors.length > 0 ? `  (by ${ancestors.join(" < ")})` : "";
}

function showInterval({ hostEvents, run, number, merged, rowHosts }: TraceInterval, screen: LiveTable): void {
  showEvents(hostEvents);
  screen.show(describeCounts(merged, rowHosts, liveRows));
  if (!process.stderr.isTTY) return;
  const { ok = 0, targeted = 0 } = run?.accounting ?? {};
  const delivered = (merged?.accounts ?? []).reduce((sum, account) => sum + account.delivered, 0n);
  process.stderr.write(`\r\x1b[Kinterval ${number}: ${ok} of ${targeted} hosts, ${delivered} so far`);
}

async function finish(
  { run, merged, rowHosts, summary, hostEvents }: TraceFinished,
  what: string,
  options: TraceOptions,
  screen: LiveTable,
): Promise<void> {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (!options.json) {
    showEvents(hostEvents);
    screen.end(describeCounts(merged, rowHosts, options.limit ?? finalRows));
  }
  if (!options.json && summary) console.log(summary.text);
  if (what === "profile" && merged) {
    const folded = merged.stacks.map((stack) => `${stack.folded} ${stack.samples}\n`).join("");
    const title = `CPU profile of ${options.on}`;
    await exportProfile(readProfile(merged, profileSamplesPerSecond), folded, title, options);
  }
  process.exitCode = exitCodeOf(run?.accounting);
}
