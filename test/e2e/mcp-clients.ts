// Official MCP clients of both eras over both transports, behind one small face.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernHttp } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OlderStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as OlderHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

/** Spec revisions that are served. */
export const eras = ["2026-07-28", "2025-11-25"] as const;
export type Era = (typeof eras)[number];

/** Where the gateway is: a URL with its token, or a command that speaks MCP on its standard streams. */
export type Endpoint =
  | { url: string; token: string }
  | { command: string; args: string[]; env?: Record<string, string> };

/** What the human at the client does when asked. */
export type Human = "confirms" | "declines" | "absent";

export interface ToolAnswer {
  text: string;
  structured: Record<string, any>;
  isError: boolean;
}

export interface McpClient {
  listTools(): Promise<string[]>;
  call(name: string, args?: Record<string, unknown>): Promise<ToolAnswer>;
  /** What the human was asked so far. */
  readonly prompts: string[];
  close(): Promise<void>;
}

const info = { name: "e2e", version: "1.0.0" };
const callTimeout = { timeout: 120_000 };

/** Connects an official client of the era. */
export async function connectMcp(era: Era, endpoint: Endpoint, human: Human = "confirms"): Promise<McpClient> {
  const prompts: string[] = [];
  const answer = (params: any) => {
    prompts.push(params.message);
    return human === "confirms"
      ? { action: "accept" as const, content: fillForm(params.requestedSchema) }
      : { action: "decline" as const };
  };
  const capabilities = human === "absent" ? {} : { elicitation: { form: {} } };
  const client = era === "2026-07-28" ? modern(capabilities, answer) : older(capabilities, answer);
  await client.connect(transport(era, endpoint) as never);
  return {
    prompts,
    listTools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args = {}) => toAnswer(await callTool(client, name, args)),
    close: () => client.close(),
  };
}

function modern(capabilities: object, answer: (params: any) => any): ModernClient {
  const client = new ModernClient(info, { capabilities, versionNegotiation: { mode: { pin: "2026-07-28" } } });
  if ("elicitation" in capabilities)
    client.setRequestHandler("elicitation/create", async (request) => answer(request.params));
  return client;
}

function older(capabilities: object, answer: (params: any) => any): OlderClient {
  const client = new OlderClient(info, { capabilities });
  if ("elicitation" in capabilities)
    client.setRequestHandler(ElicitRequestSchema, async (request) => answer(request.params));
  return client;
}

function transport(era: Era, endpoint: Endpoint) {
  if ("command" in endpoint) return new (era === "2026-07-28" ? ModernStdio : OlderStdio)(endpoint);
  const options = { requestInit: { headers: { authorization: `Bearer ${endpoint.token}` } } };
  return new (era === "2026-07-28" ? ModernHttp : OlderHttp)(new URL(endpoint.url), options);
}

function callTool(client: ModernClient | OlderClient, name: string, args: Record<string, unknown>): Promise<any> {
  if (client instanceof ModernClient) return client.callTool({ name, arguments: args }, callTimeout);
  return client.callTool({ name, arguments: args }, undefined, callTimeout);
}

function toAnswer(result: any): ToolAnswer {
  const text = result.content.map((part: { text?: string }) => part.text ?? "").join("\n");
  return { text, structured: result.structuredContent ?? {}, isError: result.isError === true };
}

function fillForm(schema: { properties: Record<string, { type: string; enum?: string[] }> }): Record<string, unknown> {
  const entries = Object.entries(schema.properties);
  return Object.fromEntries(
    entries.map(([name, property]) => [name, property.type === "boolean" ? true : property.enum?.[0]]),
  );
}
