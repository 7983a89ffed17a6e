// A rollout as the events of a stream: started, progress with each step and each change of the accounting, until it rests.
import { create } from "@bufbuild/protobuf";
import { RunProgressSchema, RunStartedSchema } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { pause } from "../../shared/pause.js";
import { fleetStops, type LiveEvent, type StreamEnds } from "../run/run-events.js";
import type { TrackedRun } from "../run/tracked-run.js";
import { describeRollout } from "./describe-rollout.js";
import { isResting } from "./next-step.js";
import type { Rollout } from "./rollout.js";

const progressIntervalMs = 100;

/** Ends when the rollout is halted or over, and what it is then is on disk. A step is told at once, answers every 100 ms. */
export async function* rolloutEvents(
  run: TrackedRun,
  rollout: Rollout,
  { caller, stopping }: StreamEnds,
): AsyncGenerator<LiveEvent> {
  const { runId } = run.record;
  yield { case: "started", value: create(RunStartedSchema, { runId, targeted: run.targets.length }) };
  const cut = AbortSignal.any([caller, stopping]);
  const changes = new Changes();
  const stopListening = [rollout.onChange(() => changes.note("step")), run.onChange(() => changes.note("answers"))];
  cut.addEventListener("abort", () => changes.note("step"), { once: true });
  try {
    while (!isResting(rollout.record) && !cut.aborted) {
      await changes.next(cut);
      if (cut.aborted) break;
      const progress = { accounting: run.account.toMessage(), rollout: describeRollout(rollout.record, run) };
      yield { case: "progress", value: create(RunProgressSchema, progress) };
    }
  } finally {
    for (const stop of stopListening) stop();
  }
  if (!isResting(rollout.record) && stopping.aborted) throw fleetStops(runId);
}

/** What changed since it was asked last. */
class Changes {
  #noted: "step" | "answers" | undefined;
  #stepped = new AbortController();
  #wake: () => void = () => {};

  note(what: "step" | "answers"): void {
    if (this.#noted !== "step") this.#noted = what;
    if (what === "step") this.#stepped.abort();
    this.#wake();
  }

  async next(signal: AbortSignal): Promise<void> {
    if (!this.#noted && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#noted !== "step") await pause(progressIntervalMs, AbortSignal.any([signal, this.#stepped.signal]));
    this.#noted = undefined;
    this.#stepped = new AbortController();
  }
}
