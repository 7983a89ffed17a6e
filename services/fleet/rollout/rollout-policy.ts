// A rollout as it was asked for → what holds for this change: every size in hosts, every time in milliseconds, every default filled in.
import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { HealthCheck, Rollout, WaveSize } from "../../gen/systemsmanager/fleet/v1/rollout_pb.js";
import { decodeRequest } from "../../shared/decode-request.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { findOperation, isDryRun } from "../../shared/operations.js";

/** What a wave must pass behind its pause. */
export type HealthGate =
  | { readonly kind: "none" }
  | { readonly kind: "failed-services" }
  | { readonly kind: "read"; readonly method: string; readonly request: Uint8Array };

/** What holds for one rollout. */
export interface RolloutPolicy {
  /** Hosts of each wave, the canary first; their sum is all hosts. */
  readonly waveSizes: readonly number[];
  readonly pauseMs: number;
  /** So many hosts may count against the budget. */
  readonly maxFailed: number;
  readonly gate: HealthGate;
  /** Label whose values are spread over the waves; empty: none. */
  readonly spreadBy: string;
  /** From the start of the rollout to the moment when it is aborted. */
  readonly lifetimeMs: number;
}

/** From so many hosts on a change goes in waves unless it is told otherwise. */
export const leastHostsInWaves = 10;
const defaultCanaryHosts = 1;
const defaultBatchPercents = [10, 25];
const defaultPauseMs = 5_000;
const defaultMaxFailedPercent = 2;
const defaultLifetimeMs = 24 * 3600 * 1000;

/** The policy for a change on so many hosts; undefined when it goes to all at once. Throws INVALID_ARGUMENT, UNKNOWN_OPERATION. */
export function resolvePolicy(asked: Rollout | undefined, hosts: number): RolloutPolicy | undefined {
  if (asked?.allAtOnce || (!asked && hosts < leastHostsInWaves)) return undefined;
  const canary = asked?.canary ? sizeOf(asked.canary, hosts, Math.ceil) : defaultCanaryHosts;
  const batches = asked?.batches.length
    ? asked.batches.map((size) => sizeOf(size, hosts, Math.ceil))
    : defaultBatchPercents.map((percent) => share(percent, hosts, Math.ceil));
  return {
    waveSizes: sizeWaves(hosts, canary, batches),
    pauseMs: millisecondsOf(asked?.pause, defaultPauseMs),
    maxFailed: resolveMaxFailed(asked?.maxFailed, hosts),
    gate: resolveGate(asked?.healthCheck),
    spreadBy: asked?.spreadBy ?? "",
    lifetimeMs: millisecondsOf(asked?.expiresAfter, defaultLifetimeMs),
  };
}

/** The error budget in hosts. */
export function resolveMaxFailed(asked: WaveSize | undefined, hosts: number): number {
  return asked ? sizeOf(asked, hosts, Math.floor) : share(defaultMaxFailedPercent, hosts, Math.floor);
}

/** Hosts of each wave: the canary, then the batches, of which the last repeats; none is empty and the last takes what is left. */
export function sizeWaves(hosts: number, canary: number, batches: readonly number[]): number[] {
  const sizes: number[] = [];
  let left = hosts;
  for (let wave = 0; left > 0; wave++) {
    const wanted = wave === 0 ? canary : (batches[wave - 1] ?? batches.at(-1) ?? left);
    const size = Math.min(left, Math.max(1, wanted));
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

function sizeOf({ size }: WaveSize, hosts: number, round: (share: number) => number): number {
  return size.case === "percent" ? share(size.value, hosts, round) : Math.min(hosts, size.value ?? 0);
}

// Rounded once to hide what floating point adds: 7 % of 100 is 7 hosts and not 8.
function share(percent: number, hosts: number, round: (share: number) => number): number {
  return round(Number(((hosts * percent) / 100).toFixed(6)));
}

function millisecondsOf(duration: Duration | undefined, otherwise: number): number {
  return duration ? durationMs(duration) : otherwise;
}

function resolveGate(asked: HealthCheck | undefined): HealthGate {
  const check = asked?.check;
  if (check?.case === "none") return { kind: "none" };
  if (check?.case !== "read") return { kind: "failed-services" };
  const { method, request } = check.value;
  const operation = findOperation(method);
  const decoded = decodeRequest(operation, request);
  if (operation.mutates && !isDryRun(decoded)) {
    throw failure(ErrorReason.INVALID_ARGUMENT, `the health check ${operation.name} changes hosts`, {
      metadata: { field: "rollout.health_check.read.method", rule: "read" },
      remedy: "name an operation of TelemetryService",
    });
  }
  return { kind: "read", method: operation.name, request };
}
