// Asks the person at the client about a plan. The 2026-07-28 protocol answers the call with an input request and gets
// the call again, with the answer and the sealed state; for 2025-era clients the SDK asks over the session and comes
// back here in the same way. The state can be replayed by its client: what makes a confirmation single-use is that the
// fleet consumes the plan.
import { fromBinary } from "@bufbuild/protobuf";
import { timestampDate, timestampNow } from "@bufbuild/protobuf/wkt";
import {
  type ClientCapabilities,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
} from "@modelcontextprotocol/server";
import { ConfirmationMethod } from "../gen/systemsmanager/fleet/v1/change_pb.js";
import type { Plan } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { RiskSchema } from "../gen/systemsmanager/options/v1/options_pb.js";
import { enumName } from "../shared/enum-names.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { findOperation } from "../shared/operations.js";
import { structureOf } from "../shared/structure.js";
import { cleanText } from "../shared/untrusted-text.js";
import { listNames } from "./render/list-names.js";
import type { ToolCall } from "./tool.js";

const question = "confirm";

/** What the state of a confirmation holds; sealed and bound to the principal. */
interface ConfirmationState {
  readonly purpose: "commit_change";
  readonly planHash: string;
  readonly how: string;
  /** With a resume: the halt that the person was told of. A later one needs an answer of its own. */
  readonly haltCount: number;
}

/** What a person confirms: a plan, and how it is carried out. */
export interface ConfirmationSubject {
  readonly planHash: string;
  /** Arguments beside the plan. */
  readonly how: string;
}

/** What the fleet is told when the person agreed. */
export function confirmed() {
  return { method: ConfirmationMethod.ELICITATION, confirmedAt: timestampNow() };
}

/** True when the client declared that it can show a form. A bare `elicitation: {}` means forms. */
export function canAsk(capabilities: ClientCapabilities | undefined): boolean {
  const elicitation = capabilities?.elicitation;
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
}

/** What the person said about this. Throws INVALID_ARGUMENT when they were asked about something else. */
export function readConfirmation(
  { planHash, how }: ConfirmationSubject,
  { context }: ToolCall,
): "not asked" | "accepted" | "declined" {
  const state = context.mcpReq.requestState<ConfirmationState>();
  if (state?.purpose !== "commit_change") return "not asked";
  if (state.planHash !== planHash) {
    throw failure(ErrorReason.INVALID_ARGUMENT, "the confirmation is for another plan", {
      metadata: { field: "plan_hash", rule: "confirmation" },
      remedy: "call commit_change afresh, so that the person is asked about this plan",
    });
  }
  if (state.how !== how) {
    throw failure(ErrorReason.INVALID_ARGUMENT, "the confirmation is for other arguments", {
      metadata: { field: "canary,batch,max_failed,pause_seconds,resume", rule: "confirmation" },
      remedy: "call commit_change afresh, so that the person is asked about these",
    });
  }
  const response = inputResponse(context.mcpReq.inputResponses, question);
  if (response.kind !== "elicit") return "not asked";
  return response.action === "accept" && response.content?.confirm === true ? "accepted" : "declined";
}

/** The halt that the person was told of when they confirmed. */
export function confirmedHaltCount({ context }: ToolCall): number {
  return context.mcpReq.requestState<ConfirmationState>()?.haltCount ?? 0;
}

/** The result that makes the client ask. */
export async function askForConfirmation(
  { planHash, how, message, haltCount = 0 }: ConfirmationSubject & { readonly message: string; haltCount?: number },
  call: ToolCall,
): Promise<InputRequiredResult> {
  const state: ConfirmationState = { purpose: "commit_change", planHash, how, haltCount };
  return inputRequired({
    requestState: await call.sealState(state),
    inputRequests: {
      [question]: inputRequired.elicit({
        message,
        requestedSchema: {
          type: "object",
          properties: { confirm: { type: "boolean", title: "Carry it out", default: false } },
          required: ["confirm"],
        },
      }),
    },
  });
}

/** The prompt: typed facts alone, bounded. Nothing that a host wrote is in it but its own name. */
export function describeForHuman(plan: Plan): string {
  const { hosts, changingHostCount, expiresAt, risk } = plan;
  const expires = expiresAt ? `, expires ${timestampDate(expiresAt).toISOString()}` : "";
  const where = `${hosts.length} ${hosts.length === 1 ? "host" : "hosts"}: ${listNames(hosts, hosts.length, 10)}`;
  return [
    `${describeRequest(plan)} on ${where}.`,
    `Something would change on ${changingHostCount} of them. Risk: ${enumName(RiskSchema, risk)}.`,
    `Plan ${plan.planHash.slice(0, 12)}${expires}.`,
  ].join("\n");
}

function describeRequest({ method, request }: Plan): string {
  const operation = findOperation(method);
  const { input } = operation.method;
  const fields = Object.entries(structureOf(input, fromBinary(input, request), ["dry_run"]));
  const shown = fields.map(
    ([name, value]) => `${name} ${cleanText(Array.isArray(value) ? value.join(", ") : String(value), 400)}`,
  );
  return shown.length === 0 ? operation.method.name : `${operation.method.name} (${shown.join("; ")})`;
}
