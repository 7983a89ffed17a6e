// The one place that says who may do what. Today a built-in policy: every authenticated principal may read and plan, and may
// change what a human confirmed at its client. Approval tiers and written policies take its place without moving the calls.
import type { Principal } from "../../identity/principal.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Operation } from "../../shared/operations.js";
import type { TargetHost } from "../run/run-record.js";

/** What somebody wants to do. A dry run is a read. */
export interface AuthorizationRequest {
  readonly principal: Principal;
  readonly operation: Operation;
  readonly hosts: readonly TargetHost[];
  readonly action: "read" | "plan" | "change";
  /** With a change: that a human agreed. */
  readonly confirmed?: boolean;
}

/** Why it is allowed. */
export interface Decision {
  readonly policyVersion: string;
  /** Who approved, in order; only with a change. */
  readonly approvers: readonly string[];
}

const policyVersion = "builtin-1";

/** Throws PERMISSION_DENIED. */
export function authorize({ principal, operation, action, confirmed }: AuthorizationRequest): Decision {
  if (action === "change" && !confirmed) {
    throw failure(ErrorReason.PERMISSION_DENIED, `nobody confirmed ${operation.name}`, {
      metadata: { operation: operation.name, policy: policyVersion },
      remedy: "let a human confirm the plan at the client",
    });
  }
  return { policyVersion, approvers: action === "change" ? [principal.name] : [] };
}
