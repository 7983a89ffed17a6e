import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { StartTraceSessionRequestSchema } from "../../gen/systemsmanager/telemetry/v1/trace_session_pb.js";
import { TraceFilterSchema } from "../../gen/systemsmanager/trace/v1/question_pb.js";
import { findOperation, operationName } from "../../shared/operations.js";
import { traceNames, traceQuestionOfWords } from "../../shared/trace-questions.js";
import { followRun } from "../follow-run.js";
import { annotationsOf, decodeSelector, selectorProperty } from "../operation-tool.js";
import { renderRun, runOutputSchema } from "../render/render-run.js";
import { type Arguments, checkValue, decodeArguments, refuseUnknown } from "../schema/decode-arguments.js";
import type { PropertySchema } from "../schema/json-schema.js";
import { inputSchema, shownFields, type Tool } from "../tool.js";

const operation = findOperation(operationName(TelemetryService.method.startTraceSession));
const examples = ["top file_write by path", "latency syscall"];
const alone = traceNames.filter((name) => !examples.some((example) => example.startsWith(name)));
// Sources and keys would cost more tokens than they are worth: whoever names another is told which there are.
const what: PropertySchema = { type: "string", description: [...alone, ...examples].join(", ") };
const seconds: PropertySchema = { type: "integer" };
const secondsRange = { minimum: 1, maximum: 600 };
const defaultSeconds = 30;
const shownFilters = { pids: "", roots: "pids with their children", paths: "", ports: "" };
const filters = shownFields(TraceFilterSchema, shownFilters);

/** TelemetryService/StartTraceSession on many hosts, with an id of the gateway's choice. */
export const startSystemTrace: Tool = {
  definition: {
    name: "start_system_trace",
    title: "Start system trace",
    description: "Watch kernels for a time.",
    inputSchema: {
      ...inputSchema({ selector: selectorProperty, what, seconds }, filters, shownFilters),
      required: ["selector", "what"],
    },
    outputSchema: runOutputSchema,
    annotations: annotationsOf(operation),
  },
  async call(given, call) {
    refuseUnknown(given, ["selector", "what", "seconds", ...Object.keys(shownFilters)]);
    const sessionId = `trace-${randomBytes(6).toString("hex")}`;
    const request = toBinary(StartTraceSessionRequestSchema, startRequest(sessionId, given));
    const run = call.fleet.run({ selector: decodeSelector(given), method: operation.name, request });
    const result = renderRun(await followRun(run, call));
    const more = `\nsession_id ${sessionId}: give it to stop_system_trace, before the time is over or up to ten minutes later.`;
    return {
      ...result,
      content: result.content.map((part) => (part.type === "text" ? { ...part, text: part.text + more } : part)),
      structuredContent: { ...(result.structuredContent as object), session_id: sessionId },
    };
  },
};

function startRequest(sessionId: string, given: Arguments) {
  checkValue("what", given.what, what);
  if (given.seconds !== undefined) checkValue("seconds", given.seconds, { ...seconds, ...secondsRange });
  const filter = decodeArguments(TraceFilterSchema, filters, given);
  const duration = durationFromMs(((given.seconds as number | undefined) ?? defaultSeconds) * 1_000);
  const question = { question: traceQuestionOfWords(given.what as string), filter };
  return create(StartTraceSessionRequestSchema, { sessionId, duration, question } as never);
}
