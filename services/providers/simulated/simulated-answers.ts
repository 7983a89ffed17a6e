// What made-up hosts answer. A host has one of a number of variants; hosts of one variant answer alike, and the same seed
// gives the same answers again.
import type { GetSystemSnapshotResponse } from "../../gen/systemsmanager/telemetry/v1/system_pb.js";
import { createRandom } from "./seeded-random.js";
import { createSnapshot } from "./system/create-snapshot.js";

export interface AnswerOptions {
  readonly seed: string;
  /** How many different hosts there are. */
  readonly variants: number;
  /** Size of an encoded system snapshot; at least about 300. */
  readonly snapshotBytes: number;
}

/** What is shared by the simulated providers of a process. */
export interface SimulatedAnswers {
  readonly options: AnswerOptions;
  /** The variant of a host, evenly spread. */
  variantOf(hostId: string): number;
  snapshot(variant: number): GetSystemSnapshotResponse;
}

/** Makes each answer once, when it is first asked for. */
export function createSimulatedAnswers(options: AnswerOptions): SimulatedAnswers {
  const snapshots = new Map<number, GetSystemSnapshotResponse>();
  return {
    options,
    variantOf: (hostId) => Math.floor(createRandom(`${options.seed}/variant/${hostId}`)() * options.variants),
    snapshot(variant) {
      const known = snapshots.get(variant);
      if (known) return known;
      const made = createSnapshot(createRandom(`${options.seed}/snapshot/${variant}`), variant, options.snapshotBytes);
      snapshots.set(variant, made);
      return made;
    },
  };
}
