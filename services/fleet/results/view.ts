// Which part of a run's answers is looked at, and the handles that say so to someone who got a summary.
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { openToken, sealToken } from "./signed-token.js";

/** A part of the answers of one run. Narrower with each field that is set. */
export interface View {
  readonly runId: string;
  readonly state?: HostState;
  /** Hexadecimal digest of an answer, or its beginning. */
  readonly group?: string;
}

const purpose = "result-handle/v1";

interface HandlePayload {
  readonly view: View;
  readonly principal: string;
  readonly expiresAtMs: number;
}

/** A handle to this part for this principal. */
export function sealHandle(key: Uint8Array, payload: HandlePayload): string {
  return sealToken(key, purpose, payload);
}

/** The part that a handle opens. Throws INVALID_HANDLE when it is not this principal's, has expired or was not made here. */
export function openHandle(key: Uint8Array, handle: string, principal: string): View {
  const payload = openToken(key, purpose, handle) as HandlePayload | undefined;
  if (!payload) throw invalidHandle(handle, "was not made by this control plane");
  if (payload.principal !== principal) throw invalidHandle(handle, "belongs to another principal");
  if (payload.expiresAtMs < Date.now()) throw invalidHandle(handle, "has expired");
  return payload.view;
}

/** INVALID_HANDLE for a handle or page token. */
export function invalidHandle(handle: string, problem: string, what = "handle") {
  const shown = handle.slice(0, 32);
  return failure(ErrorReason.INVALID_HANDLE, `the ${what} ${JSON.stringify(shown)} ${problem}`, {
    metadata: { handle: shown },
    remedy: "take one from the newest answer, or open the result by its run id",
  });
}

/** A state as it stands in labels and error classes: "no_answer". */
export function stateName(state: HostState): string {
  return (HostState[state] ?? "unspecified").toLowerCase();
}
