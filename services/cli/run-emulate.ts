// What `emulate` does; apart from its options, so that other verbs do not load it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFaults } from "../emulator/faults/fault-set.js";
import type { ChildOptions } from "../emulator/process-messages.js";
import { readOrders } from "../emulator/read-orders.js";
import { defaultSourceAddresses, parseSourceAddresses, shareHosts } from "../emulator/share-hosts.js";
import { type EmulatorProcesses, superviseProcesses } from "../emulator/supervise-processes.js";
import { verifyingKeyFromPem } from "../identity/signing-key.js";
import { createLogger } from "../shared/log.js";
import { openAll } from "./closer.js";
import { type MetricsOption, openMetrics } from "./metrics-option.js";
import { readOptionFile } from "./option-file.js";
import { runUntilSignal } from "./run-until-signal.js";

export interface EmulateVerbOptions extends MetricsOption {
  readonly hosts: number;
  readonly relay: string[];
  readonly fleetKey: string;
  readonly fleetId: string;
  readonly relayCa?: string;
  readonly namePrefix: string;
  readonly label: Record<string, string>;
  readonly processes?: number;
  readonly sourceAddresses?: string;
  readonly attachRate?: number;
  readonly seed: string;
  readonly answerBytes: number;
  readonly distinctAnswers: number;
  readonly stateDir?: string;
  readonly fault: string[];
  readonly json?: boolean;
}

const reportEveryMs = 1_000;

/** Emulates until a signal, or until a process of it fails. */
export async function runEmulate(options: EmulateVerbOptions): Promise<void> {
  return openAll(async (closer) => {
    const stateDirectory = options.stateDir ?? mkdtempSync(join(tmpdir(), "systems-manager-emulate-"));
    if (options.stateDir === undefined) closer.add(removed(stateDirectory));
    const metrics = await openMetrics(options, closer, createLogger("emulate"));
    const processes = closer.add(superviseProcesses(sharesOf(options, stateDirectory)));
    metrics?.show({ emulator: processes });
    const report = options.json ? reportJson : createTextReport(options.hosts);
    report("started", options.hosts, processes);
    const timer = setInterval(() => report("running", options.hosts, processes), reportEveryMs);
    const orders = readOrders(process.stdin, processes.send, (error) => console.error((error as Error).message));
    closer.add({
      async close() {
        clearInterval(timer);
        orders.close();
      },
    });
    const close = async () => {
      await processes.close();
      report("stopped", options.hosts, processes);
      await closer.close();
    };
    await Promise.race([runUntilSignal(close), processes.failed]);
  });
}

function sharesOf(options: EmulateVerbOptions, stateDirectory: string): ChildOptions[] {
  const verifyingKey = readOptionFile("--fleet-key", options.fleetKey);
  verifyingKeyFromPem(verifyingKey);
  const { hosts, relay, attachRate } = options;
  const ranges = shareHosts(hosts, options.processes);
  const sourceAddresses =
    options.sourceAddresses === undefined
      ? defaultSourceAddresses(relay, hosts)
      : parseSourceAddresses(options.sourceAddresses);
  const relayCa = options.relayCa === undefined ? {} : { relayCa: readOptionFile("--relay-ca", options.relayCa) };
  return ranges.map(({ first, last }, index) => ({
    first,
    last,
    namePrefix: options.namePrefix,
    labels: { simulated: "true", ...options.label },
    relayUrls: relay,
    ...relayCa,
    fleetId: options.fleetId,
    verifyingKey,
    stateDirectory: join(stateDirectory, `process-${index}`),
    executionsFile: join(stateDirectory, "executions.jsonl"),
    sourceAddresses,
    ...(attachRate === undefined ? {} : { attachRate: attachRate / ranges.length }),
    answers: { seed: options.seed, variants: options.distinctAnswers, snapshotBytes: options.answerBytes },
    faults: parseFaults(options.fault.join(",")),
  }));
}

function removed(directory: string) {
  return { close: async () => rmSync(directory, { recursive: true, force: true }) };
}

function reportJson(event: string, hosts: number, { pids, counters }: EmulatorProcesses): void {
  console.log(JSON.stringify({ event, time: new Date().toISOString(), hosts, pids, ...counters() }));
}

// People want to see what changes, not the same line every second.
function createTextReport(hosts: number) {
  let last = "";
  return (event: string, _: number, processes: EmulatorProcesses) => {
    const { attached, deliveries, replies, executions } = processes.counters();
    const text = `${attached} of ${hosts} hosts attached, ${deliveries} commands, ${replies} replies, ${executions} changes`;
    if (text !== last || event !== "running") console.log(`${event}: ${text}`);
    last = text;
  };
}
