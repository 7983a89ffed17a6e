// The official clients of both eras, connected to a gateway.
import { PassThrough } from "node:stream";
import { Client as ModernClient, StreamableHTTPClientTransport as ModernHttp } from "@modelcontextprotocol/client";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OlderHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { StdioServerTransport as OlderPipe } from "@modelcontextprotocol/sdk/server/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { StdioServerTransport as ModernPipe } from "@modelcontextprotocol/server/stdio";
import type { Gateway } from "../../services/gateway/gateway.js";

/** What a test does with either client. */
export type AnyClient = ModernClient | OlderClient;

/** Answers the confirmation that the server asks for. */
export type Person = (message: string) => {
  action: "accept" | "decline" | "cancel";
  content?: Record<string, boolean>;
};

export interface ClientOptions {
  readonly token?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent: the client does not declare elicitation. */
  readonly person?: Person;
}

const info = { name: "test", version: "1.0.0" };

/** Each era by its name for tables of tests. */
export const eras = [
  { era: "2026-07-28", connect: connectModern },
  { era: "2025-11-25", connect: connectOlder },
] as const;

/** The 2.x client, pinned to 2026-07-28. */
export async function connectModern(url: string, options: ClientOptions = {}): Promise<ModernClient> {
  const client = modernClient(options);
  await client.connect(new ModernHttp(new URL(url), { requestInit: { headers: bearer(options) } }));
  return client;
}

/** The 1.x client. */
export async function connectOlder(url: string, options: ClientOptions = {}): Promise<OlderClient> {
  const client = olderClient(options);
  await client.connect(new OlderHttp(new URL(url), { requestInit: { headers: bearer(options) } }) as never);
  return client;
}

/** callTool with options, which the two clients take in different places. */
export function callWith(
  client: AnyClient,
  call: { name: string; arguments: Record<string, unknown> },
  options: { signal?: AbortSignal; onprogress?: (progress: unknown) => void },
) {
  if (client instanceof ModernClient) return client.callTool(call, options);
  return client.callTool(call, undefined, options);
}

/** A 2.x client that is not connected yet. */
export function modernClient({ person }: ClientOptions): ModernClient {
  const client = new ModernClient(info, {
    capabilities: person ? { elicitation: {} } : {},
    versionNegotiation: { mode: { pin: "2026-07-28" } },
  });
  if (person) client.setRequestHandler("elicitation/create", ({ params }) => person(params.message));
  return client;
}

/** A 1.x client that is not connected yet. */
export function olderClient({ person }: ClientOptions): OlderClient {
  const client = new OlderClient(info, { capabilities: person ? { elicitation: {} } : {} });
  if (person) client.setRequestHandler(ElicitRequestSchema, ({ params }) => person(params.message));
  return client;
}

function bearer({ token = "alice-token", headers = {} }: ClientOptions): Record<string, string> {
  return { ...headers, authorization: `Bearer ${token}` };
}

/** A client of an era, connected to the gateway's stdio end through pipes in this process. */
export async function connectInProcess(
  gateway: Gateway,
  era: "2026-07-28" | "2025-11-25",
  options: ClientOptions & { readonly principal?: string } = {},
): Promise<AnyClient> {
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  gateway.serveStdio({ principal: { name: options.principal ?? "alice" }, input: toServer, output: toClient });
  if (era === "2026-07-28") {
    const client = modernClient(options);
    await client.connect(new ModernPipe(toClient, toServer));
    return client;
  }
  const client = olderClient(options);
  await client.connect(new OlderPipe(toClient, toServer));
  return client;
}
