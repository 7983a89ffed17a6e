// The simulated provider of one life of a host: operations fail, changes take their time, and a kill may come right behind one.
import { setTimeout as sleep } from "node:timers/promises";
import type { OSProvider } from "../../providers/os-provider.js";
import type { SimulatedAnswers } from "../../providers/simulated/simulated-answers.js";
import { createSimulatedProvider } from "../../providers/simulated/simulated-provider.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import { drawTime } from "./fault-set.js";
import type { FaultyHost } from "./faulty-host.js";
import { killed } from "./faulty-journal.js";

export interface FaultyProviderOptions {
  readonly hostId: string;
  readonly answers: SimulatedAnswers;
  readonly log: Logger;
  readonly host: FaultyHost;
  readonly isAlive: () => boolean;
  /** Carries out a change: notes it. */
  readonly execute: (method: string, subjects: readonly string[]) => void;
  /** Kills the daemon. */
  readonly crash: () => void;
}

/** What a killed daemon has begun ends before it is carried out. */
export function createFaultyProvider(options: FaultyProviderOptions): OSProvider {
  const { host, isAlive, execute, crash } = options;
  return createSimulatedProvider({
    ...options,
    before(method) {
      if (!host.happens(host.faults().refuse)) return;
      host.counters.faultRefusals++;
      throw failure(ErrorReason.COMMAND_FAILED, `fault: ${method} failed`, {
        metadata: { program: "simulated", exit_status: "1" },
        remedy: "switch the fault off",
      });
    },
    async execute(method, subjects, signal) {
      const { work } = host.faults();
      if (work) await sleep(drawTime(work, host.random), undefined, { signal });
      if (!isAlive()) throw killed();
      execute(method, subjects);
      if (!host.happens(host.faults().crash)) return;
      crash();
      throw killed();
    },
  });
}
