// The hash that names a plan and is what a human approves: it changes when anything about the plan does.
import { createHash } from "node:crypto";

/** Everything that a plan's hash covers. */
export interface PlanContent {
  /** Any order; the hash is over the sorted ids. */
  readonly hostIds: readonly string[];
  /** "systemsmanager.mutation.v1.MutationService/InstallPackages". */
  readonly method: string;
  /** Encoded request with dry_run false. */
  readonly request: Uint8Array;
  readonly policyVersion: string;
  readonly expiresAtMs: number;
  readonly principal: string;
}

const context = "systems-manager/plan/v1";

/**
 * SHA-256 over the context, then each part with its length before it (8 bytes, big endian), then the number of hosts and each
 * sorted host id. Lengths make the encoding injective: no two contents have one encoding.
 */
export function hashPlan(content: PlanContent): Uint8Array {
  const hash = createHash("sha256");
  const add = (part: Uint8Array | string) => {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(number(bytes.length)).update(bytes);
  };
  add(context);
  add(content.method);
  add(content.request);
  add(content.policyVersion);
  add(content.principal);
  hash.update(number(content.expiresAtMs)).update(number(content.hostIds.length));
  for (const hostId of [...content.hostIds].sort()) add(hostId);
  return hash.digest();
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
