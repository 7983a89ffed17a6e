// Prompts, resources, completion and subscriptions that the official conformance suite expects. The product serves
// tools alone.
import {
  acceptedContent,
  fromJsonSchema,
  inputRequired,
  type McpServer,
  ResourceTemplate,
} from "@modelcontextprotocol/server";
import type { ServerExtension } from "../../services/gateway/gateway.js";
import { askFor } from "./fixture-input-required.js";
import { pixelPng } from "./fixture-media.js";

/** Everything but tools. */
export const fixtureExtension: ServerExtension = {
  capabilities: {
    completions: {},
    logging: {},
    prompts: { listChanged: false },
    resources: { subscribe: true, listChanged: false },
  },
  register(server) {
    registerPrompts(server);
    registerResources(server);
    server.server.setRequestHandler("completion/complete", ({ params }) => {
      const values = ["paris", "park", "party"].filter((value) => value.startsWith(params.argument.value));
      return { completion: { values, total: values.length, hasMore: false } };
    });
    server.server.setRequestHandler("resources/subscribe", () => ({}));
    server.server.setRequestHandler("resources/unsubscribe", () => ({}));
  },
};

function stringArguments<Name extends string>(...names: Name[]) {
  const properties = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
  return fromJsonSchema<Record<Name, string>>({ type: "object", properties, required: names });
}

const say = (text: string) => ({ role: "user" as const, content: { type: "text" as const, text } });

function registerPrompts(server: McpServer): void {
  server.registerPrompt("test_simple_prompt", { description: "A prompt without arguments" }, () => ({
    messages: [say("This is a simple prompt for testing.")],
  }));
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description: "A prompt with two arguments", argsSchema: stringArguments("arg1", "arg2") },
    ({ arg1, arg2 }) => ({ messages: [say(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "A prompt with a resource in it", argsSchema: stringArguments("resourceUri") },
    ({ resourceUri }) => {
      const resource = { uri: resourceUri, mimeType: "text/plain", text: "Embedded resource content for testing." };
      const messages = [{ role: "user" as const, content: { type: "resource" as const, resource } }];
      return { messages: [...messages, say("Please process the embedded resource above.")] };
    },
  );
  server.registerPrompt("test_prompt_with_image", { description: "A prompt with an image in it" }, () => ({
    messages: [
      { role: "user" as const, content: { type: "image" as const, data: pixelPng, mimeType: "image/png" } },
      say("Please analyze the image above."),
    ],
  }));
  server.registerPrompt("test_input_required_result_prompt", { description: "A prompt that asks first" }, (context) => {
    const given = acceptedContent(context.mcpReq.inputResponses, "user_context");
    if (given) return { messages: [say(`Use this context: ${String(given.context)}`)] };
    return inputRequired({ inputRequests: { user_context: askFor("context", "What context should the prompt use?") } });
  });
}

function registerResources(server: McpServer): void {
  server.registerResource(
    "static-text",
    "test://static-text",
    { description: "A text", mimeType: "text/plain" },
    (uri) => ({
      contents: [{ uri: uri.href, mimeType: "text/plain", text: "This is the content of the static text resource." }],
    }),
  );
  server.registerResource(
    "static-binary",
    "test://static-binary",
    { description: "An image", mimeType: "image/png" },
    (uri) => ({
      contents: [{ uri: uri.href, mimeType: "image/png", blob: pixelPng }],
    }),
  );
  const template = new ResourceTemplate("test://template/{id}/data", { list: undefined });
  server.registerResource(
    "template",
    template,
    { description: "A template", mimeType: "application/json" },
    (uri, { id }) => {
      const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
      return { contents: [{ uri: uri.href, mimeType: "application/json", text }] };
    },
  );
}
