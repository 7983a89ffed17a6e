// Which part of a run's answers is looked at, and the handles that say so to someone who got a summary.
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { openToken, sealToken } from "./signed-token.js";

/** A part of the answers of one run. Narrower with each field that is set. */
export interface View {
  readonly runId: string;
  readonly state?: HostState;
  /** First hexadecimal digits of the digest of an answer, an even number of them. */
  readonly group?: string;
}

/** Who may open the handle, and until when. */
export interface HandleTerms {
  readonly principal: string;
  readonly expiresAtMs: number;
}

// Payload: run id (16 bytes), expiry (4 bytes, seconds since the epoch), state (1 byte), the digest's first bytes.
const runIdBytes = 16;
const headerBytes = runIdBytes + 5;

/** A handle to this part, for this principal. */
export function sealHandle(key: Uint8Array, view: View, terms: HandleTerms): string {
  const header = Buffer.alloc(headerBytes);
  header.write(view.runId.replaceAll("-", ""), "hex");
  header.writeUInt32BE(Math.floor(terms.expiresAtMs / 1000), runIdBytes);
  header.writeUInt8(view.state ?? HostState.UNSPECIFIED, runIdBytes + 4);
  return sealToken(key, contextOf(terms.principal), Buffer.concat([header, Buffer.from(view.group ?? "", "hex")]));
}

/** The part that a handle opens. Throws INVALID_HANDLE when it is not this principal's, has expired or was not made here. */
export function openHandle(key: Uint8Array, handle: string, principal: string): View {
  const payload = openToken(key, contextOf(principal), handle);
  if (!payload || payload.length < headerBytes) throw invalidHandle(handle, "was not made for this principal");
  if (payload.readUInt32BE(runIdBytes) * 1000 < Date.now()) throw invalidHandle(handle, "has expired");
  const state: HostState = payload.readUInt8(runIdBytes + 4);
  const group = payload.subarray(headerBytes).toString("hex");
  return {
    runId: uuidOf(payload.subarray(0, runIdBytes)),
    ...(state === HostState.UNSPECIFIED ? {} : { state }),
    ...(group === "" ? {} : { group }),
  };
}

/** INVALID_HANDLE for a handle or page token. */
export function invalidHandle(handle: string, problem: string, what = "handle") {
  const shown = handle.slice(0, 64);
  return failure(ErrorReason.INVALID_HANDLE, `the ${what} ${JSON.stringify(shown)} ${problem}`, {
    metadata: { handle: shown },
    remedy: "take one from the newest answer, or open the result by its run id",
  });
}

/** A state as it stands in labels: "no_answer". */
export function stateName(state: HostState): string {
  return (HostState[state] ?? "unspecified").toLowerCase();
}

function contextOf(principal: string): readonly string[] {
  return ["result-handle/v1", principal];
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
