import type { CallToolResult, InputRequiredResult } from "@modelcontextprotocol/server";
import { GetPlanRequestSchema } from "../../gen/systemsmanager/fleet/v1/change_pb.js";
import { FleetService } from "../../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { askForConfirmation, canAsk, confirmed, describeForHuman, readConfirmation } from "../confirmation.js";
import { followRun } from "../follow-run.js";
import { timeoutOf, timeoutProperty } from "../operation-tool.js";
import { renderRun, runOutputSchema } from "../render/render-run.js";
import { describeHalted, findHalted, resumeHalted } from "../resume-rollout.js";
import { describeRollout, rolloutOf, rolloutProperties } from "../rollout-arguments.js";
import { type Arguments, checkValue, decodeArguments, refuseUnknown } from "../schema/decode-arguments.js";
import { annotationsOfRpc, inputSchema, shownFields, type Tool, type ToolCall } from "../tool.js";

const shown = { plan_hash: "" };
const fields = shownFields(GetPlanRequestSchema, shown);
const optional = { timeout_seconds: timeoutProperty, ...rolloutProperties };

/** FleetService/CommitChange and ResumeRollout, after the person at the client confirmed. */
export const commitChange: Tool = {
  definition: {
    name: "commit_change",
    title: "Commit change",
    description:
      "Carries out a plan on its hosts, once, after the person at the client confirms. 10 or more hosts go in waves, canary first; too many failures halt them.",
    inputSchema: inputSchema(optional, fields, shown),
    outputSchema: runOutputSchema,
    annotations: annotationsOfRpc(FleetService.method.commitChange),
  },
  async call(given, call) {
    refuseUnknown(given, ["plan_hash", ...Object.keys(optional)]);
    const { planHash } = decodeArguments(GetPlanRequestSchema, fields, given);
    const subject = { planHash, how: describeRollout(given) };
    checkResume(given);
    const request = { planHash, ...rolloutRequest(given), ...timeoutOf(given) };
    const answer = readConfirmation(subject, call);
    if (answer === "declined") throw declined(planHash);
    const isAsked = answer === "accepted";
    if (given.resume === true) return isAsked ? resumeHalted(planHash, given, call) : askToResume(subject, call);
    if (!isAsked) return askToCommit(subject, call);
    return renderRun(await followRun(call.fleet.commitChange({ ...request, confirmation: confirmed() }), call));
  },
};

// A rollout that goes on keeps its waves; only its error budget may be another one.
function checkResume(given: Arguments): void {
  if (given.resume === undefined) return;
  checkValue("resume", given.resume, rolloutProperties.resume);
  if (given.resume === true) refuseUnknown(given, ["plan_hash", "resume", "max_failed"]);
}

interface Subject {
  readonly planHash: string;
  readonly how: string;
}

function rolloutRequest(given: Arguments) {
  const rollout = rolloutOf(given);
  return rollout ? { rollout } : {};
}

async function askToCommit(subject: Subject, call: ToolCall): Promise<InputRequiredResult | CallToolResult> {
  const { planHash, how } = subject;
  const { plan, runId } = await call.fleet.getPlan({ planHash }, { signal: call.context.mcpReq.signal });
  if (runId !== "") throw consumed(planHash, runId);
  if (!canAsk(call.clientCapabilities)) throw unavailable(planHash, `systems-manager commit ${planHash}`);
  if (plan?.planHash !== planHash) throw failure(ErrorReason.INTERNAL, "the fleet did not return the plan asked for");
  const waves = how === "" ? "" : `\nRollout: ${how}.`;
  return askForConfirmation({ ...subject, message: describeForHuman(plan) + waves }, call);
}

async function askToResume(subject: Subject, call: ToolCall): Promise<InputRequiredResult | CallToolResult> {
  const halted = await findHalted(subject.planHash, call);
  if (!canAsk(call.clientCapabilities)) {
    throw unavailable(subject.planHash, `systems-manager resume ${halted.runId}`);
  }
  return askForConfirmation(
    { ...subject, message: describeHalted(halted, subject.how), haltCount: halted.rollout?.haltCount ?? 0 },
    call,
  );
}

function consumed(planHash: string, runId: string): Error {
  return failure(ErrorReason.PLAN_CONSUMED, "the plan was committed before", {
    metadata: { plan_hash: planHash, run_id: runId },
    remedy: "look at its run with open_result, or make a new plan; if its rollout halted, call again with resume",
  });
}

function unavailable(planHash: string, command: string): Error {
  return failure(
    ErrorReason.CONFIRMATION_UNAVAILABLE,
    "a person must confirm this change and the connected client cannot ask one",
    {
      metadata: { plan_hash: planHash },
      remedy: `connect with a client that supports elicitation, or let a person run: ${command}`,
    },
  );
}

function declined(planHash: string): Error {
  return failure(ErrorReason.CONFIRMATION_DECLINED, "the person at the client did not confirm; nothing has changed", {
    metadata: { plan_hash: planHash },
    remedy: "ask them what they want instead; do not retry unasked",
  });
}
