import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { CallToolResult, InputRequiredResult } from "@modelcontextprotocol/server";
import {
  ConfirmationMethod,
  FleetService,
  GetPlanRequestSchema,
  type GetPlanResponse,
} from "../../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { askForConfirmation, canAsk, readConfirmation } from "../confirmation.js";
import { followRun } from "../follow-run.js";
import { timeoutOf, timeoutProperty } from "../operation-tool.js";
import { renderRun, runOutputSchema } from "../render/render-run.js";
import { decodeArguments, refuseUnknown } from "../schema/decode-arguments.js";
import { annotationsOfRpc, inputSchema, shownFields, type Tool, type ToolCall } from "../tool.js";

const shown = { plan_hash: "" };
const fields = shownFields(GetPlanRequestSchema, shown);

/** FleetService/CommitChange, after the person at the client confirmed. */
export const commitChange: Tool = {
  definition: {
    name: "commit_change",
    title: "Commit change",
    description: "Carries out a plan on its hosts, once, after the person at the client confirms.",
    inputSchema: inputSchema({ timeout_seconds: timeoutProperty }, fields, shown),
    outputSchema: runOutputSchema,
    annotations: annotationsOfRpc(FleetService.method.commitChange),
  },
  async call(given, call) {
    refuseUnknown(given, ["plan_hash", "timeout_seconds"]);
    const { planHash } = decodeArguments(GetPlanRequestSchema, fields, given);
    const timeout = timeoutOf(given);
    const answer = readConfirmation(planHash, call);
    if (answer === "not asked") return askAboutPlan(planHash, call);
    if (answer === "declined") throw declined(planHash);
    const confirmation = { method: ConfirmationMethod.ELICITATION, confirmedAt: timestampNow() };
    const events = call.fleet.commitChange({ planHash, confirmation, ...timeout });
    return renderRun(await followRun(events, call));
  },
};

async function askAboutPlan(planHash: string, call: ToolCall): Promise<InputRequiredResult | CallToolResult> {
  const found = await call.fleet.getPlan({ planHash }, { signal: call.context.mcpReq.signal });
  refuseConsumed(planHash, found);
  if (!canAsk(call.clientCapabilities)) throw unavailable(planHash);
  return askForConfirmation(planHash, found.plan, call);
}

function refuseConsumed(planHash: string, { runId }: GetPlanResponse): void {
  if (runId === "") return;
  throw failure(ErrorReason.PLAN_CONSUMED, "the plan was committed before", {
    metadata: { plan_hash: planHash, run_id: runId },
    remedy: "look at its run with open_result, or make a new plan",
  });
}

function unavailable(planHash: string): Error {
  return failure(
    ErrorReason.CONFIRMATION_UNAVAILABLE,
    "a person must confirm this change and the connected client cannot ask one",
    {
      metadata: { plan_hash: planHash },
      remedy: `connect with a client that supports elicitation, or let a person run: systems-manager commit ${planHash}`,
    },
  );
}

function declined(planHash: string): Error {
  return failure(ErrorReason.CONFIRMATION_DECLINED, "the person at the client did not confirm; nothing has changed", {
    metadata: { plan_hash: planHash },
    remedy: "ask them what they want instead; do not retry unasked",
  });
}
