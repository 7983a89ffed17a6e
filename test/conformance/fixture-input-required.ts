// Fixture tools of the 2026-07-28 era that answer with an input request, and finish when the call comes back with the
// input.
import {
  acceptedContent,
  type InputRequests,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Tool } from "../../services/gateway/gateway.js";
import { fixture, text } from "./fixture.js";

/** An elicitation of one required field. */
export function askFor(field: string, message: string, isFlag = false): InputRequests[string] {
  const property = isFlag ? { type: "boolean" as const } : { type: "string" as const };
  const requestedSchema = { type: "object" as const, properties: { [field]: property }, required: [field] };
  return inputRequired.elicit({ message, requestedSchema });
}

function askModel(prompt: string, maxTokens: number): InputRequests[string] {
  return inputRequired.createMessage({
    messages: [{ role: "user", content: { type: "text", text: prompt } }],
    maxTokens,
  });
}

/** The field that the client sent for a key, when the person accepted and it is text. */
function answered(context: ServerContext, key: string, field: string): string | undefined {
  const value = acceptedContent(context.mcpReq.inputResponses, key)?.[field];
  return typeof value === "string" ? value : undefined;
}

function has(context: ServerContext, key: string): boolean {
  return inputResponse(context.mcpReq.inputResponses, key).kind !== "missing";
}

const askName = (): InputRequiredResult =>
  inputRequired({ inputRequests: { user_name: askFor("name", "What is your name?") } });

const basic: readonly Tool[] = [
  fixture("test_input_required_result_elicitation", async (_given, { context }) => {
    const name = answered(context, "user_name", "name");
    return name === undefined ? askName() : text(`Hello, ${name}!`);
  }),
  fixture("test_input_required_result_sampling", async (_given, { context }) => {
    const response = inputResponse(context.mcpReq.inputResponses, "capital_question");
    if (response.kind === "sampling") return text(`The model says ${JSON.stringify(response.result.content)}`);
    return inputRequired({ inputRequests: { capital_question: askModel("What is the capital of France?", 100) } });
  }),
  fixture("test_input_required_result_list_roots", async (_given, { context }) => {
    const response = inputResponse(context.mcpReq.inputResponses, "client_roots");
    if (response.kind === "roots") return text(`Roots: ${response.roots.map(({ uri }) => uri).join(", ")}`);
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  }),
];

/** What the sealed state of a multi-round tool holds. */
interface Round {
  readonly round: number;
}

const stateful: readonly Tool[] = [
  ...["test_input_required_result_request_state", "test_input_required_result_tampered_state"].map((name) =>
    fixture(name, async (_given, { context, sealState }) => {
      if (context.mcpReq.requestState<Round>()?.round === 1 && has(context, "confirm")) return text("state-ok");
      const inputRequests = { confirm: askFor("ok", "Please confirm", true) };
      return inputRequired({ inputRequests, requestState: await sealState({ round: 1 }) });
    }),
  ),
  fixture("test_input_required_result_multiple_inputs", async (_given, { context, sealState }) => {
    const keys = ["user_name", "greeting", "client_roots"];
    if (keys.every((key) => has(context, key))) return text("All inputs received");
    const inputRequests = {
      user_name: askFor("name", "What is your name?"),
      greeting: askModel("Generate a greeting", 50),
      client_roots: inputRequired.listRoots(),
    };
    return inputRequired({ inputRequests, requestState: await sealState({ round: 1 }) });
  }),
  fixture("test_input_required_result_multi_round", async (_given, { context, sealState }) => {
    const round = context.mcpReq.requestState<Round>()?.round ?? 0;
    if (round === 2 && has(context, "step2")) return text(`Favourite colour: ${answered(context, "step2", "color")}`);
    if (round === 1 && has(context, "step1")) {
      const inputRequests = { step2: askFor("color", "Step 2: What is your favorite color?") };
      return inputRequired({ inputRequests, requestState: await sealState({ round: 2 }) });
    }
    const inputRequests = { step1: askFor("name", "Step 1: What is your name?") };
    return inputRequired({ inputRequests, requestState: await sealState({ round: 1 }) });
  }),
];

const capabilities: readonly Tool[] = [
  fixture("test_input_required_result_capabilities", async (_given, { context, clientCapabilities }) => {
    if (has(context, "user_name") || has(context, "greeting")) return text("done");
    const inputRequests: InputRequests = {
      ...(clientCapabilities?.elicitation ? { user_name: askFor("name", "What is your name?") } : {}),
      ...(clientCapabilities?.sampling ? { greeting: askModel("Generate a greeting", 50) } : {}),
    };
    return Object.keys(inputRequests).length > 0 ? inputRequired({ inputRequests }) : text("nothing can be asked");
  }),
  fixture("test_missing_capability", async () => inputRequired({ inputRequests: { greeting: askModel("Hello", 10) } })),
  fixture("test_streaming_elicitation", async (_given, { context }) => {
    return has(context, "user_name") ? text("done") : askName();
  }),
];

export const inputRequiredTools: readonly Tool[] = [...basic, ...stateful, ...capabilities];
