// One logical host through its lives: the real daemon on a simulated provider, killed and started again on the journal that
// it had.
import type { Journal, JournalStore } from "../daemon/journal.js";
import { connectRelay, type RelayConnection, type RelayConnectionOptions } from "../daemon/relay-connection.js";
import { type Daemon, type DaemonOptions, startDaemon } from "../daemon/start-daemon.js";
import type { SimulatedAnswers } from "../providers/simulated/simulated-answers.js";
import { simulatedHostId } from "../providers/simulated/simulated-provider.js";
import type { EmulatorCounters } from "./emulator-counters.js";
import type { ExecutionsFile } from "./executions-file.js";
import { defaultDown, drawTime, type TimeRange } from "./faults/fault-set.js";
import { connectWithFaults } from "./faults/faulty-connection.js";
import { createFaultyHost, type FaultSource } from "./faults/faulty-host.js";
import { createFaultyJournal, killed } from "./faults/faulty-journal.js";
import { createFaultyProvider } from "./faults/faulty-provider.js";
import { noteStarted } from "./note-started.js";

/** What all hosts of a process share. */
export interface EmulatedFleet
  extends Pick<DaemonOptions, "relayUrls" | "fleetId" | "verifyingKey" | "stateDirectory" | "tls" | "log" | "backoff"> {
  readonly answers: SimulatedAnswers;
  readonly journals: JournalStore;
  readonly executions: ExecutionsFile;
  readonly counters: EmulatorCounters;
  readonly faults: FaultSource;
  readonly labels: Readonly<Record<string, string>>;
}

export interface EmulatedHost {
  readonly hostId: string;
  readonly name: string;
  /** Resolves when a relay has taken it for the first time. */
  readonly attached: Promise<void>;
  /** Kills its daemon, which comes back after a time; nothing when it is away already. */
  kill(down?: TimeRange): void;
  /** Does what faults that were just changed ask of a connection. */
  applyFaults(): void;
  close(): Promise<void>;
}

// From one start of the daemon to its end or to its being killed.
interface Life {
  alive: boolean;
  daemon?: Daemon;
  journal?: Journal;
  connection?: RelayConnection;
}

/** Resolves when the daemon of the host with this name was started. */
export async function startEmulatedHost(
  name: string,
  localAddress: string | undefined,
  fleet: EmulatedFleet,
): Promise<EmulatedHost> {
  const { seed } = fleet.answers.options;
  const hostId = simulatedHostId(seed, name);
  const host = createFaultyHost(hostId, seed, fleet.faults, fleet.counters);
  let noteAttached: () => void = () => undefined;
  const attached = new Promise<void>((resolve) => {
    noteAttached = resolve;
  });
  let life: Life = { alive: true };
  let burial: Promise<void> = Promise.resolve();
  let closing = false;
  let comingBack: NodeJS.Timeout | undefined;

  async function begin(next: Life) {
    life = next;
    next.journal = await fleet.journals.open(`${hostId}/`, host.clock);
    next.daemon = await startDaemon({ ...fleet, ...partsOf(next), name, clock: host.clock });
  }

  function partsOf(current: Life) {
    const isAlive = () => current.alive;
    const faulty = createFaultyJournal(current.journal as Journal, host, isAlive);
    const { journal, commandId } = noteStarted(faulty);
    const provider = createFaultyProvider({
      hostId,
      answers: fleet.answers,
      log: fleet.log,
      host,
      isAlive,
      execute: (method, subjects) => {
        fleet.executions.append({
          hostId,
          name,
          commandId: commandId(),
          method,
          subjects,
          time: new Date().toISOString(),
        });
        fleet.counters.executions++;
      },
      crash: () => kill(),
    });
    const connect = (options: RelayConnectionOptions) => attach(current, options);
    return { journal, provider, connect };
  }

  async function attach(current: Life, options: RelayConnectionOptions): Promise<RelayConnection> {
    if (!current.alive) throw killed();
    const source = localAddress === undefined ? options : { ...options, localAddress };
    const connection = await connectWithFaults(source, connectRelay, host);
    current.connection = connection;
    fleet.counters.attached++;
    void connection.closed.then(() => fleet.counters.attached--);
    if (!current.alive) connection.end(killed());
    if (host.isStalled()) connection.setReading(false);
    noteAttached();
    return connection;
  }

  function kill(down = fleet.faults.current.down ?? defaultDown) {
    if (!life.alive || !life.daemon || closing) return;
    life.alive = false;
    life.connection?.end(killed());
    fleet.counters.kills++;
    fleet.counters.down++;
    const dead = life;
    comingBack = setTimeout(() => void comeBack(dead).catch(noteFailure), drawTime(down, host.random));
  }

  async function comeBack(dead: Life) {
    // What was being written is on disk or not, but no longer on its way.
    await dead.journal?.close();
    burial = Promise.all([burial, dead.daemon?.close()]).then(() => undefined, noteFailure);
    fleet.counters.down--;
    if (!closing) await begin({ alive: true });
  }

  function noteFailure(error: unknown) {
    fleet.log.error({ err: error, host: name }, "emulated host failed");
  }

  await begin(life);
  return {
    hostId,
    name,
    attached,
    kill,
    applyFaults: () => life.connection?.setReading(!host.isStalled()),
    async close() {
      closing = true;
      clearTimeout(comingBack);
      await Promise.all([life.daemon?.close(), burial]);
    },
  };
}
