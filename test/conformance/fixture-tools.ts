// The tools that the official conformance suite calls by name. They answer what its scenarios describe and are served
// by the same code path as the product's own tools.
import { setTimeout as delay } from "node:timers/promises";
import type { CallToolResult, ContentBlock, ServerContext } from "@modelcontextprotocol/server";
import type { Tool } from "../../services/gateway/gateway.js";
import { fixture, text } from "./fixture.js";
import { elicitationTools } from "./fixture-elicitation.js";
import { inputRequiredTools } from "./fixture-input-required.js";
import { pixelPng, silentWav } from "./fixture-media.js";

const image: ContentBlock = { type: "image", data: pixelPng, mimeType: "image/png" };

/** An embedded resource. */
function resource(uri: string, mimeType: string, content: string): ContentBlock {
  return { type: "resource", resource: { uri, mimeType, text: content } };
}

async function withProgress(context: ServerContext): Promise<CallToolResult> {
  const progressToken = context.mcpReq._meta?.progressToken;
  for (const progress of [0, 50, 100]) {
    if (progressToken !== undefined) {
      const params = { progressToken, progress, total: 100 };
      await context.mcpReq.notify({ method: "notifications/progress", params });
    }
    await delay(50);
  }
  return text("done");
}

async function withLogging(context: ServerContext): Promise<CallToolResult> {
  for (const line of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
    await context.mcpReq.log("info", line);
    await delay(50);
  }
  return text("done");
}

const mixed: ContentBlock[] = [
  { type: "text", text: "Multiple content types test:" },
  image,
  resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
];

// Every keyword has to reach the client as it stands here.
const schema202012 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object" as const,
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

/** All fixture tools. */
export const fixtureTools: readonly Tool[] = [
  fixture("test_simple_text", async () => text("This is a simple text response for testing.")),
  fixture("test_image_content", async () => ({ content: [image] })),
  fixture("test_audio_content", async () => ({ content: [{ type: "audio", data: silentWav, mimeType: "audio/wav" }] })),
  fixture("test_embedded_resource", async () => ({
    content: [resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")],
  })),
  fixture("test_multiple_content_types", async () => ({ content: mixed })),
  fixture("test_error_handling", async () => {
    throw new Error("This tool intentionally returns an error for testing");
  }),
  fixture("test_tool_with_progress", (_given, { context }) => withProgress(context)),
  fixture("test_tool_with_logging", (_given, { context }) => withLogging(context)),
  fixture("test_logging_tool", (_given, { context }) => withLogging(context)),
  fixture("json_schema_2020_12_tool", async () => text("ok"), schema202012),
  ...elicitationTools,
  ...inputRequiredTools,
];
