// One logical host: the real daemon on a simulated provider, with the journal it had before.

import type { Journal, JournalStore } from "../daemon/journal.js";
import { connectRelay, type RelayConnection, type RelayConnectionOptions } from "../daemon/relay-connection.js";
import { type Daemon, type DaemonOptions, startDaemon } from "../daemon/start-daemon.js";
import type { SimulatedAnswers } from "../providers/simulated/simulated-answers.js";
import { createSimulatedProvider, simulatedHostId } from "../providers/simulated/simulated-provider.js";
import type { EmulatorCounters } from "./emulator-counters.js";
import type { ExecutionsFile } from "./executions-file.js";

/** What all hosts of a process share. */
export interface EmulatedFleet
  extends Pick<DaemonOptions, "relayUrls" | "fleetId" | "verifyingKey" | "stateDirectory" | "tls" | "log" | "backoff"> {
  readonly answers: SimulatedAnswers;
  readonly journals: JournalStore;
  readonly executions: ExecutionsFile;
  readonly counters: EmulatorCounters;
  readonly labels: Readonly<Record<string, string>>;
}

export interface EmulatedHost {
  readonly hostId: string;
  /** Resolves when a relay has taken it for the first time. */
  readonly attached: Promise<void>;
  daemon(): Daemon | undefined;
  close(): Promise<void>;
}

/** Starts the daemon of the host with this name. */
export async function startEmulatedHost(
  name: string,
  localAddress: string | undefined,
  fleet: EmulatedFleet,
): Promise<EmulatedHost> {
  const hostId = simulatedHostId(fleet.answers.options.seed, name);
  let noteAttached: () => void = () => undefined;
  const attached = new Promise<void>((resolve) => {
    noteAttached = resolve;
  });
  let commandId = "";

  const provider = createSimulatedProvider({
    hostId,
    answers: fleet.answers,
    async execute(method, subjects) {
      fleet.executions.append({ hostId, name, commandId, method, subjects, time: new Date().toISOString() });
      fleet.counters.executions++;
    },
  });

  async function connect(options: RelayConnectionOptions): Promise<RelayConnection> {
    const connection = await connectRelay({ ...options, ...(localAddress === undefined ? {} : { localAddress }) });
    fleet.counters.attached++;
    void connection.closed.then(() => fleet.counters.attached--);
    noteAttached();
    return connection;
  }

  const journal = await fleet.journals.open(`${hostId}/`, Date.now);
  const daemon = await startDaemon({
    ...fleet,
    provider,
    journal: noting(journal, (started) => {
      commandId = started;
    }),
    name,
    connect,
  });
  return { hostId, attached, daemon: () => daemon, close: () => daemon.close() };
}

// A host runs one change at a time, and its daemon writes the command down right before: so it is known whose change runs.
function noting(journal: Journal, onStarted: (commandId: string) => void): Journal {
  return {
    ...journal,
    async write(entry) {
      await journal.write(entry);
      if (!entry.reply) onStarted(entry.commandId);
    },
  };
}
