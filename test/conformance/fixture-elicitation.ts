// Fixture tools that ask the client of the 2025 era over its session.
import type { CallToolResult, ElicitRequestFormParams, ServerContext } from "@modelcontextprotocol/server";
import type { Tool } from "../../services/gateway/gateway.js";
import { fixture, text } from "./fixture.js";

type FormSchema = ElicitRequestFormParams["requestedSchema"];

const options = ["option1", "option2", "option3"];

const person: FormSchema = {
  type: "object",
  properties: {
    username: { type: "string", description: "User's response" },
    email: { type: "string", description: "User's email address" },
  },
  required: ["username", "email"],
};

const defaults: FormSchema = {
  type: "object",
  properties: {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  },
};

const enums: FormSchema = {
  type: "object",
  properties: {
    untitledSingle: { type: "string", enum: options },
    titledSingle: { type: "string", oneOf: titled("First Option", "Second Option", "Third Option") },
    legacyEnum: {
      type: "string",
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti: { type: "array", items: { type: "string", enum: options } },
    titledMulti: { type: "array", items: { anyOf: titled("First Choice", "Second Choice", "Third Choice") } },
  },
};

function titled(...titles: string[]): { const: string; title: string }[] {
  return titles.map((title, index) => ({ const: `value${index + 1}`, title }));
}

async function ask(
  context: ServerContext,
  message: string,
  requestedSchema: FormSchema,
  prefix: string,
): Promise<CallToolResult> {
  const { action, content } = await context.mcpReq.elicitInput({ message, requestedSchema });
  return text(`${prefix}: action=${action}, content=${JSON.stringify(content ?? {})}`);
}

async function sample(context: ServerContext, prompt: string): Promise<CallToolResult> {
  const messages = [{ role: "user" as const, content: { type: "text" as const, text: prompt } }];
  const { content } = await context.mcpReq.requestSampling({ messages, maxTokens: 100 });
  return text(`LLM response: ${JSON.stringify(content)}`);
}

const oneString = (name: string) => ({
  type: "object" as const,
  properties: { [name]: { type: "string" } },
  required: [name],
});

export const elicitationTools: readonly Tool[] = [
  fixture(
    "test_elicitation",
    ({ message }, { context }) => ask(context, String(message), person, "User response"),
    oneString("message"),
  ),
  fixture("test_elicitation_sep1034_defaults", (_given, { context }) =>
    ask(context, "Please review the defaults", defaults, "Elicitation completed"),
  ),
  fixture("test_elicitation_sep1330_enums", (_given, { context }) =>
    ask(context, "Please choose", enums, "Elicitation completed"),
  ),
  fixture("test_sampling", ({ prompt }, { context }) => sample(context, String(prompt)), oneString("prompt")),
];
