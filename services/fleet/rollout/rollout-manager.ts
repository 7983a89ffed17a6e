// Rollouts: changes that go over their hosts in waves, canary first. Each is the policy of one run whose hosts are sent the change wave
// by wave; a wave is judged before the next one is sent, and a rollout that halts says why.
//
// Whatever is about to be done is on disk before. A restart takes the interrupted step again: dispatching leaves alone what was sent,
// reads are found again by their ids, and no judgement is skipped.
import { HaltReason } from "../../gen/systemsmanager/fleet/v1/rollout_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { RunManager } from "../run/run-manager.js";
import type { RunOrder } from "../run/run-order.js";
import type { TargetHost } from "../run/run-record.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";
import { driveRollout, type RolloutDrive } from "./drive-rollout.js";
import { firstStep, isOver, isResting, type Resume } from "./next-step.js";
import { failingHosts, Rollout } from "./rollout.js";
import type { RolloutPolicy } from "./rollout-policy.js";
import type { RolloutRecord } from "./rollout-record.js";
import { splitWaves } from "./split-waves.js";

export interface RolloutManagerOptions {
  readonly database: StateDatabase;
  readonly runs: RunManager;
  /** A host's label; empty when it has none. */
  readonly labelOf: (hostId: string, label: string) => string;
  readonly log: Logger;
}

/** Open until closed by its maker; closing leaves rollouts to the next start. */
export interface RolloutManager {
  /** Rollouts that are not over, by run id. */
  readonly open: ReadonlyMap<string, Pick<RolloutDrive, "rollout">>;
  /** Starts the run and its rollout; the order's timeout holds for each wave. Resolves when both are on disk. Throws BUSY. */
  start(order: RunOrder, policy: RolloutPolicy): Promise<TrackedRun>;
  /** The rollout of this run, whatever became of it; undefined when the run has none. */
  find(runId: string): Rollout | undefined;
  /** Goes on with a halted rollout. One that is not halted, or in another halt than is meant, is left alone. Throws ROLLOUT_OVER. */
  resume(run: TrackedRun, resume: Resume): Promise<Rollout>;
  /** Ends the run, and its rollout if it has one: nothing further is sent. Resolves when every host has a final state. */
  cancel(run: TrackedRun): Promise<void>;
  close(): Promise<void>;
}

/** Goes on with the rollouts that a restart interrupted. */
export function openRolloutManager(options: RolloutManagerOptions): RolloutManager {
  const manager = new Manager(options);
  manager.resumeInterrupted();
  return manager;
}

class Manager implements RolloutManager {
  readonly #options: RolloutManagerOptions;
  readonly open = new Map<string, RolloutDrive>();

  constructor(options: RolloutManagerOptions) {
    this.#options = options;
  }

  async start(order: RunOrder, policy: RolloutPolicy): Promise<TrackedRun> {
    const { database, runs } = this.#options;
    const runId = order.runId ?? runs.newRunId();
    const rollout = new Rollout(
      database,
      firstStep({
        runId,
        policy,
        waves: this.#split(order.targets, policy),
        waveTimeoutMs: order.timeoutMs,
        expiresAtMs: Date.now() + policy.lifetimeMs,
      }),
    );
    const claim = () => {
      order.claim?.();
      rollout.create();
    };
    const run = await runs.start({ ...order, runId, timeoutMs: policy.lifetimeMs, held: true, claim });
    this.#drive(rollout);
    return run;
  }

  find(runId: string): Rollout | undefined {
    const open = this.open.get(runId);
    if (open) return open.rollout;
    const record = this.#options.database.rollouts.get(runId);
    return record && new Rollout(this.#options.database, record);
  }

  async resume(run: TrackedRun, resume: Resume): Promise<Rollout> {
    const { runId } = run.record;
    const drive = this.open.get(runId);
    if (!drive) throw nothingToResume(runId, this.find(runId)?.record);
    if (!isResting(drive.rollout.record)) return drive.rollout;
    await drive.rollout.apply({ type: "resumed", resume, failing: failingHosts(run) });
    drive.wake();
    return drive.rollout;
  }

  async cancel(run: TrackedRun): Promise<void> {
    await this.open.get(run.record.runId)?.abort(HaltReason.CANCELLED);
    await this.#options.runs.cancel(run);
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.values()].map((drive) => drive.stop()));
  }

  resumeInterrupted(): void {
    const { database, runs, log } = this.#options;
    for (const { key: runId, value: record } of database.rollouts.getRange()) {
      const run = runs.find(runId);
      // A run and its rollout are stored and deleted together.
      if (!run) continue;
      if (!isOver(record)) {
        log.info({ runId, wave: record.wave + 1, step: record.step }, "an unfinished rollout goes on");
        this.#drive(new Rollout(database, record));
      } else if (record.halt?.reason === HaltReason.CANCELLED && !run.isFinished) {
        runs.cancel(run).catch((error) => log.error({ err: error, runId }, "a cancelled run could not be ended"));
      }
    }
  }

  #split(targets: readonly TargetHost[], { waveSizes, spreadBy }: RolloutPolicy): number[][] {
    if (spreadBy === "") return splitWaves(targets, waveSizes);
    return splitWaves(targets, waveSizes, ({ hostId }) => this.#options.labelOf(hostId, spreadBy));
  }

  #drive(rollout: Rollout): void {
    const { runs, log } = this.#options;
    const { runId } = rollout.record;
    const over = () => this.open.delete(runId);
    this.open.set(runId, driveRollout({ rollout, runs, log, over }));
  }
}

function nothingToResume(runId: string, record: RolloutRecord | undefined) {
  const state = record?.step ?? "no rollout";
  const what = record ? `its rollout is ${state}` : "it is not in waves";
  return failure(ErrorReason.ROLLOUT_OVER, `the run ${runId} cannot go on: ${what}`, {
    metadata: { run_id: runId, state },
    remedy: "look at the run; for the hosts that are left, plan the change again",
  });
}
