// Takes one step of a rollout after the other until it rests, and again when it is resumed; ends it at its expiry.

import { ConnectError } from "@connectrpc/connect";
import { HaltReason } from "../../gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Logger } from "../../shared/log.js";
import { pause } from "../../shared/pause.js";
import type { RunManager } from "../run/run-manager.js";
import { isOver, isResting } from "./next-step.js";
import type { Rollout } from "./rollout.js";
import { takeStep } from "./take-step.js";

export interface DriveOptions {
  readonly rollout: Rollout;
  readonly runs: RunManager;
  readonly log: Logger;
  /** Called once, when the rollout has come to its end. */
  readonly over: () => void;
}

/** A rollout under way. */
export interface RolloutDrive {
  readonly rollout: Rollout;
  /** Goes on after a resume. */
  wake(): void;
  /** Ends it for good. Resolves when that is on disk and nothing of it is sent any more. */
  abort(reason: HaltReason.CANCELLED | HaltReason.EXPIRED): Promise<void>;
  /** Leaves it as it is, for the next start of the control plane. */
  stop(): Promise<void>;
}

export function driveRollout({ rollout, runs, log, over }: DriveOptions): RolloutDrive {
  const ending = new AbortController();
  const { runId, expiresAtMs } = rollout.record;

  const drive = async () => {
    const { signal } = ending;
    while (!isResting(rollout.record) && !signal.aborted && Date.now() < expiresAtMs) {
      try {
        await takeStep({ rollout, runs, signal });
      } catch (error) {
        if (signal.aborted) return;
        log.error({ err: error, runId, step: rollout.record.step }, "a rollout halts: a step could not be taken");
        await rollout.apply({ type: "broken", problem: ConnectError.from(error).rawMessage });
      }
    }
    if (isOver(rollout.record)) end();
  };
  const end = () => {
    ending.abort();
    over();
  };
  // A record that cannot be written leaves the rollout where it is on disk, for the next start.
  const start = () =>
    drive().catch((error) => log.error({ err: error, runId }, "a rollout's step could not be stored"));
  const stop = async () => {
    ending.abort();
    await driving;
  };
  const abort: RolloutDrive["abort"] = async (reason) => {
    await stop();
    await rollout.apply({ type: "aborted", reason });
    over();
  };
  const expire = async () => {
    await pause(Math.max(0, expiresAtMs - Date.now()), ending.signal);
    if (ending.signal.aborted) return;
    await abort(HaltReason.EXPIRED);
  };

  let driving = start();
  expire().catch((error) => log.error({ err: error, runId }, "a rollout's expiry could not be stored"));
  return {
    rollout,
    wake: () => {
      driving = driving.then(start);
    },
    abort,
    stop,
  };
}
