// What is kept of a plan.
import type { Risk } from "../../gen/systemsmanager/options/v1/options_pb.js";
import type { TargetHost } from "../run/run-record.js";

/** A plan as it is stored, by its hash. */
export interface PlanRecord {
  /** Hexadecimal. */
  readonly planHash: string;
  readonly method: string;
  /** Encoded request, dry_run false. */
  readonly request: Uint8Array;
  readonly selector: string;
  readonly principal: string;
  readonly policyVersion: string;
  readonly risk: Risk;
  readonly expiresAtMs: number;
  /** Sorted by host id. */
  readonly hosts: readonly TargetHost[];
  /** Hosts on which the dry run would change something. */
  readonly changingHostCount: number;
  readonly dryRunId: string;
  /** The encoded fleet.v1.Plan, as its maker got it. */
  readonly shown: Uint8Array;
  /** How it was used; absent while it was not. */
  readonly consumed?: PlanConsumption;
}

/** The one commit of a plan. */
export interface PlanConsumption {
  readonly runId: string;
  readonly atMs: number;
  /** Name of a ConfirmationMethod value. */
  readonly confirmationMethod: string;
  /** As the client told it; absent when it did not. */
  readonly confirmedAtMs?: number;
  readonly approvers: readonly string[];
}
