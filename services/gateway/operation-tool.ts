// Tools that run one operation of TelemetryService (a read) or plan one of MutationService (a change).
import { type DescMethodUnary, toBinary } from "@bufbuild/protobuf";
import { type Duration, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Tool as ToolDefinition } from "@modelcontextprotocol/server";
import { Risk } from "../gen/systemsmanager/options/v1/options_pb.js";
import { findOperation, type Operation, operationName } from "../shared/operations.js";
import { followPlan, followRun } from "./follow-run.js";
import { planOutputSchema, renderPlan } from "./render/render-plan.js";
import { renderRun, runOutputSchema } from "./render/render-run.js";
import {
  type Arguments,
  checkValue,
  decodeArguments,
  refuseUnknown,
  wrongArgument,
} from "./schema/decode-arguments.js";
import type { PropertySchema } from "./schema/json-schema.js";
import { inputSchema, type ShownFields, selectorDescription, shownFields, type Tool } from "./tool.js";

/** What one file of tools/ says about its operation. Everything else is read from the proto. */
export interface OperationTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** TelemetryService.method.listServices and the like. */
  readonly method: DescMethodUnary;
  readonly fields: ShownFields;
}

/** The request of a run or a plan. */
interface OperationRequest {
  readonly selector: string;
  readonly method: string;
  readonly request: Uint8Array;
  readonly timeout?: Duration;
}

/** Which hosts. */
export const selectorProperty: PropertySchema = { type: "string", description: selectorDescription };
/** When to stop waiting; absent: the operation's own default. Its bounds are checked, and not worth tokens in every tool. */
export const timeoutProperty: PropertySchema = { type: "integer" };

const longestTimeoutSeconds = 86_400;

/** A tool that runs a read, or plans a change, by what the operation's option in the proto says. */
export function operationTool(spec: OperationTool): Tool {
  const operation = findOperation(operationName(spec.method));
  const toRequest = requestDecoder(operation, spec);
  return {
    definition: defineOperation(spec, operation),
    call: operation.mutates
      ? async (given, call) => renderPlan(await followPlan(call.fleet.planChange(toRequest(given)), call))
      : async (given, call) => renderRun(await followRun(call.fleet.run(toRequest(given)), call)),
  };
}

function defineOperation(spec: OperationTool, operation: Operation): ToolDefinition {
  const first = { selector: selectorProperty, timeout_seconds: timeoutProperty };
  return {
    name: spec.name,
    title: spec.title,
    description: spec.description,
    inputSchema: inputSchema(first, shownFields(operation.method.input, spec.fields), spec.fields),
    outputSchema: operation.mutates ? planOutputSchema : runOutputSchema,
    annotations: annotationsOf(operation),
  };
}

/** By the risk of the operation. */
export function annotationsOf(operation: Operation): ToolDefinition["annotations"] {
  if (!operation.mutates) return { readOnlyHint: true };
  return {
    readOnlyHint: false,
    destructiveHint: operation.risk === Risk.DESTRUCTIVE,
    idempotentHint: operation.option.idempotent,
  };
}

function requestDecoder(operation: Operation, spec: OperationTool): (given: Arguments) => OperationRequest {
  const schema = operation.method.input;
  const fields = shownFields(schema, spec.fields);
  const known = ["selector", "timeout_seconds", ...fields.map(({ name }) => name)];
  return (given) => {
    refuseUnknown(given, known);
    return {
      selector: decodeSelector(given),
      method: operation.name,
      request: toBinary(schema, decodeArguments(schema, fields, given)),
      ...timeoutOf(given),
    };
  };
}

/** The request's timeout field from timeout_seconds; nothing when it is absent. */
export function timeoutOf({ timeout_seconds: seconds }: Arguments): { timeout?: Duration } {
  if (seconds === undefined) return {};
  checkValue("timeout_seconds", seconds, { ...timeoutProperty, minimum: 1, maximum: longestTimeoutSeconds });
  return { timeout: durationFromMs((seconds as number) * 1000) };
}

/** Throws INVALID_ARGUMENT when there is none. */
export function decodeSelector({ selector }: Arguments): string {
  if (typeof selector === "string" && selector.trim() !== "") return selector;
  throw wrongArgument("selector", selector, `give ${selectorDescription}`);
}
