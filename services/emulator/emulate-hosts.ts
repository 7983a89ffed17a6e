// Logical hosts of one process: started at a pace that relays can follow, counted together, closed together.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientTls } from "../daemon/dial-stream.js";
import { openJournalStore } from "../daemon/journal.js";
import type { VerifyingKey } from "../identity/signing-key.js";
import { type AnswerOptions, createSimulatedAnswers } from "../providers/simulated/simulated-answers.js";
import type { Logger } from "../shared/log.js";
import { mapLimited } from "../shared/map-limited.js";
import { type EmulatedHost, startEmulatedHost } from "./emulated-host.js";
import { createEmulatorCounters, type EmulatorCounters } from "./emulator-counters.js";
import { openExecutionsFile } from "./executions-file.js";

export interface EmulateOptions {
  /** Numbers of the hosts: first to last, not including that. */
  readonly first: number;
  readonly last: number;
  readonly namePrefix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly relayUrls: readonly string[];
  readonly tls?: ClientTls;
  readonly fleetId: string;
  readonly verifyingKey: VerifyingKey;
  /** Journals of this process alone. */
  readonly stateDirectory: string;
  /** Shared by all processes. */
  readonly executionsFile: string;
  /** Hosts dial from these in turn; from where the system chooses when empty. */
  readonly sourceAddresses: readonly string[];
  /** Most daemons to start per second; as fast as relays take them when absent. */
  readonly attachRate?: number;
  readonly answers: AnswerOptions;
  readonly log: Logger;
}

export interface EmulatedHosts {
  counters(): EmulatorCounters;
  /** Resolves when every host was started; they attach by themselves. */
  readonly started: Promise<void>;
  close(): Promise<void>;
}

// More daemons that dial at once only make each other wait.
const dialling = 64;
// When no relay is there the next hosts are started all the same.
const attachPatienceMs = 2_000;

/** Begins to start the hosts. STORAGE_FAILED. */
export async function emulateHosts(options: EmulateOptions): Promise<EmulatedHosts> {
  const counters = createEmulatorCounters();
  const journals = await openJournalStore(join(options.stateDirectory, "journals"));
  const executions = openExecutionsFile(options.executionsFile);
  const answers = createSimulatedAnswers(options.answers);
  const fleet = { ...options, answers, journals, executions, counters };
  const hosts: EmulatedHost[] = [];
  const since = performance.now();
  let closing = false;

  async function start(number: number) {
    if (options.attachRate !== undefined) {
      const due = since + ((number - options.first) * 1_000) / options.attachRate;
      await sleep(Math.max(0, due - performance.now()));
    }
    if (closing) return;
    const source = options.sourceAddresses[number % Math.max(1, options.sourceAddresses.length)];
    const host = await startEmulatedHost(`${options.namePrefix}${number}`, source, fleet);
    hosts.push(host);
    await Promise.race([host.attached, sleep(attachPatienceMs, undefined, { ref: false })]);
  }

  const numbers = Array.from({ length: options.last - options.first }, (_, index) => options.first + index);
  const started = mapLimited(numbers, dialling, start).then(() => undefined);
  return {
    started,
    counters: () => withDaemonCounters(counters, hosts),
    async close() {
      closing = true;
      await started.catch((error) => options.log.error({ err: error }, "not every host was started"));
      await Promise.all(hosts.map((host) => host.close()));
      executions.close();
      await journals.close();
    },
  };
}

function withDaemonCounters(counters: EmulatorCounters, hosts: readonly EmulatedHost[]): EmulatorCounters {
  const sum = { ...counters };
  for (const host of hosts) {
    const daemon = host.daemon()?.counters();
    if (!daemon) continue;
    sum.attachments += daemon.attachments;
    sum.commands += daemon.deliveries;
    sum.duplicates += daemon.duplicates + daemon.fromJournal;
    sum.refused += daemon.refused;
    sum.replies += daemon.replies;
    sum.lostReplies += daemon.lostReplies;
  }
  return sum;
}
