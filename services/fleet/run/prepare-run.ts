// A caller's selector, method and request → what to run. Everything that can be wrong with them is found before anything is sent.
import type { Context } from "@opentelemetry/api";
import type { Principal } from "../../identity/principal.js";
import { decodeRequest } from "../../shared/decode-request.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { findOperation, isDryRun, type Operation } from "../../shared/operations.js";
import type { Inventory } from "../inventory/inventory.js";
import { authorize, type Decision } from "../plan/authorize.js";
import { encodeWithDryRun } from "../plan/operation-request.js";
import { selectHosts } from "../select/select-hosts.js";
import type { RunOrder } from "./run-order.js";
import type { TargetHost } from "./run-record.js";
import { freezeTargets } from "./target-set.js";

/** What somebody asks. */
export interface Question {
  readonly selector: string;
  readonly method: string;
  readonly request: Uint8Array;
  readonly timeoutMs: number | undefined;
  readonly deliveryTimeoutMs?: number | undefined;
  readonly principal: Principal;
  readonly trace: Context;
}

/** A read, or a dry run that was asked for as such. Throws UNKNOWN_OPERATION, INVALID_ARGUMENT, PLAN_REQUIRED, and as selectHosts. */
export function prepareRead(inventory: Inventory, question: Question): RunOrder {
  const operation = findOperation(question.method);
  const request = decodeRequest(operation, question.request);
  if (operation.mutates && !isDryRun(request)) throw planRequired(operation);
  return prepareReadOf(freeze(inventory, question.selector), question);
}

/** A read on exactly these hosts; the selector tells where they come from. Throws PERMISSION_DENIED. */
export function prepareReadOf(targets: readonly TargetHost[], question: Question): RunOrder {
  const operation = findOperation(question.method);
  authorize({ principal: question.principal, operation, hosts: targets, action: "read" });
  return order(question, operation, question.request, targets);
}

/** The dry run of a change, whatever the request says of dry_run. Throws as prepareRead; UNKNOWN_OPERATION for a read. */
export function prepareDryRun(inventory: Inventory, question: Question): { order: RunOrder; decision: Decision } {
  const operation = findOperation(question.method);
  if (!operation.mutates) throw nothingToPlan(operation);
  const request = encodeWithDryRun(operation, question.request, true);
  const targets = freeze(inventory, question.selector);
  const decision = authorize({ principal: question.principal, operation, hosts: targets, action: "plan" });
  return { order: order(question, operation, request, targets), decision };
}

// The inventory is sorted by host id, and so is every frozen set.
function freeze(inventory: Inventory, selector: string): readonly TargetHost[] {
  return freezeTargets(inventory, selectHosts(selector, inventory.hosts()));
}

function order(
  question: Question,
  operation: Operation,
  request: Uint8Array,
  targets: readonly TargetHost[],
): RunOrder {
  return {
    operation,
    request,
    targets,
    selector: question.selector,
    principal: question.principal.name,
    trace: question.trace,
    timeoutMs: question.timeoutMs ?? operation.defaultTimeoutMs,
    ...(question.deliveryTimeoutMs === undefined ? {} : { deliveryTimeoutMs: question.deliveryTimeoutMs }),
  };
}

function planRequired(operation: Operation) {
  return failure(ErrorReason.PLAN_REQUIRED, `${operation.name} changes hosts and its request has not dry_run set`, {
    metadata: { operation: operation.name },
    remedy: "call PlanChange, then CommitChange with the plan's hash; or set dry_run to see what would change",
  });
}

function nothingToPlan(operation: Operation) {
  return failure(ErrorReason.UNKNOWN_OPERATION, `${operation.name} changes nothing, so it cannot be planned`, {
    metadata: { method: operation.name, nearest: "" },
    remedy: "call Run",
  });
}
