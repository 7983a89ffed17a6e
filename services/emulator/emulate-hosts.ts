// Logical hosts of one process: started at a pace that relays can follow, counted together, closed together.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BackoffOptions } from "../daemon/backoff.js";
import type { ClientTls } from "../daemon/dial-socket.js";
import { openJournalStore } from "../daemon/journal.js";
import type { VerifyingKey } from "../identity/signing-key.js";
import { createRandom } from "../providers/simulated/seeded-random.js";
import { type AnswerOptions, createSimulatedAnswers } from "../providers/simulated/simulated-answers.js";
import type { Logger } from "../shared/log.js";
import { mapLimited } from "../shared/map-limited.js";
import { type EmulatedHost, startEmulatedHost } from "./emulated-host.js";
import { createEmulatorCounters, type EmulatorCounters } from "./emulator-counters.js";
import { openExecutionsFile } from "./executions-file.js";
import type { FaultSet, TimeRange } from "./faults/fault-set.js";
import type { FaultSource } from "./faults/faulty-host.js";

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
  /** From the start. */
  readonly faults: FaultSet;
  /** As real daemons come back when absent. */
  readonly backoff?: BackoffOptions;
  readonly log: Logger;
}

/** Whom to kill now. */
export interface KillOrder {
  /** Of the hosts, or of those named; all when absent. */
  readonly share?: number;
  readonly names?: readonly string[];
  /** How long each is away; as the faults say when absent. */
  readonly down?: TimeRange;
}

export interface EmulatedHosts {
  counters(): EmulatorCounters;
  /** From now on. */
  setFaults(faults: FaultSet): void;
  kill(order: KillOrder): void;
  /** Resolves when every host was started; they attach by themselves. */
  readonly started: Promise<void>;
  close(): Promise<void>;
}

// More daemons that dial at once only make each other wait.
const dialling = 64;
// When no relay is there the next hosts are started all the same; slow relays, though, get no more to do than they can.
const attachPatienceMs = 10_000;
const killEveryMs = 100;

/** Begins to start the hosts. STORAGE_FAILED. */
export async function emulateHosts(options: EmulateOptions): Promise<EmulatedHosts> {
  const counters = createEmulatorCounters();
  const journals = await openJournalStore(join(options.stateDirectory, "journals"));
  const executions = openExecutionsFile(options.executionsFile);
  const answers = createSimulatedAnswers(options.answers);
  const faults: FaultSource = { current: options.faults };
  const random = createRandom(`${options.answers.seed}/kills/${options.first}`);
  const fleet = { ...options, answers, journals, executions, counters, faults };
  const hosts: EmulatedHost[] = [];
  const since = performance.now();
  let closing = false;
  const killing = setInterval(() => {
    const share = (faults.current.kill * killEveryMs) / 1_000;
    for (const host of share > 0 ? hosts : []) if (random() < share) host.kill();
  }, killEveryMs);

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
    counters: () => ({ ...counters }),
    setFaults(next) {
      faults.current = next;
      for (const host of hosts) host.applyFaults();
    },
    kill({ share = 1, names, down }) {
      for (const host of hosts) {
        if (names && !names.includes(host.name)) continue;
        if (random() < share) host.kill(down);
      }
    },
    async close() {
      closing = true;
      clearInterval(killing);
      await started.catch((error) => options.log.error({ err: error }, "not every host was started"));
      await Promise.all(hosts.map((host) => host.close()));
      executions.close();
      await journals.close();
    },
  };
}
