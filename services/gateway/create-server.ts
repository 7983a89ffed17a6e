// One MCP server instance for one principal: a request of the 2026-07-28 protocol, or a session or connection of an
// older client.
import { ConnectError } from "@connectrpc/connect";
import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  type InputRequiredResult,
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ServerCapabilities,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Principal } from "../identity/principal.js";
import { createLogger } from "../shared/log.js";
import { nearest } from "../shared/nearest.js";
import { productVersion } from "../shared/version.js";
import { type CallObserver, type ObservedCall, observeCall } from "./observe-call.js";
import { renderFailure } from "./render/render-failure.js";
import type { Arguments } from "./schema/decode-arguments.js";
import type { FleetClient, Tool, ToolCall } from "./tool.js";

/** What a server instance is made of. */
export interface ServerParts {
  readonly principal: Principal;
  readonly fleet: FleetClient;
  readonly tools: readonly Tool[];
  /** HMAC key of the state that clients carry between the rounds of a confirmation; at least 32 bytes. */
  readonly stateKey: Uint8Array;
  /** More than tools: prompts and resources of a test. */
  readonly extension?: ServerExtension;
  readonly observer?: CallObserver;
}

/** Adds to a server what the product itself does not serve. */
export interface ServerExtension {
  readonly capabilities: ServerCapabilities;
  register(server: McpServer): void;
}

const log = createLogger("gateway");

const instructions = [
  "Ask or change one host or thousands. Tools take a selector and answer with one summary of all hosts:",
  "who answered, what most say, who deviates, what was left out. open_result opens the raw answers.",
  "Tools that change hosts only plan: show the plan, then call commit_change.",
].join(" ");

/** Definitions change with a release alone. */
const definitionsCache = { ttlMs: 3_600_000, cacheScope: "public" } as const;

/** Makes a server; the caller connects and closes it. */
export function createServer(parts: ServerParts): McpServer {
  const { principal, stateKey, extension } = parts;
  const states = createRequestStateCodec({ key: stateKey, bind: () => principal.name });
  const server = new McpServer(
    { name: "systems-manager", title: "Systems manager", version: productVersion },
    {
      instructions,
      capabilities: { ...extension?.capabilities, tools: { listChanged: false } },
      cacheHints: { "tools/list": definitionsCache, "server/discover": definitionsCache },
      requestState: { verify: (state, context) => states.verify(state, context) },
    },
  );
  server.server.onerror = (error) => log.debug({ err: error }, "protocol error");
  extension?.register(server);
  serveTools(server, parts, (state, context) => states.mint(state, context));
  return server;
}

function serveTools(
  { server }: McpServer,
  { tools, fleet, observer }: ServerParts,
  seal: (state: unknown, context: ServerContext) => Promise<string>,
): void {
  const byName = new Map(tools.map((tool) => [tool.definition.name, tool]));
  server.setRequestHandler("tools/list", () => ({ tools: tools.map(({ definition }) => definition) }));
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const tool = byName.get(params.name);
    if (!tool) throw unknownTool(params.name, [...byName.keys()]);
    const observed = observeCall(params.name, context, fleet, observer);
    const call = {
      fleet: observed.fleet,
      context,
      clientCapabilities: declaredCapabilities(context) ?? server.getClientCapabilities(),
      sealState: (state: unknown) => seal(state, context),
    };
    return answer(tool, params.arguments ?? {}, call, observed);
  });
}

/** Failures are results that a model can read and act on; only faults of the protocol are protocol errors. */
async function answer(
  tool: Tool,
  given: Arguments,
  call: ToolCall,
  observed: ObservedCall,
): Promise<CallToolResult | InputRequiredResult> {
  try {
    const result = await observed.run(() => tool.call(given, call));
    observed.succeeded(result);
    return result;
  } catch (error) {
    observed.failed(error);
    if (error instanceof ProtocolError) throw error;
    if (!(error instanceof ConnectError))
      log.error({ err: error, tool: tool.definition.name, fields: Object.keys(given) }, "a tool failed");
    return renderFailure(error);
  }
}

/** Clients of 2026-07-28 say with every request what they can do. */
function declaredCapabilities(context: ServerContext): ClientCapabilities | undefined {
  const envelope = context.mcpReq.envelope as Record<string, ClientCapabilities> | undefined;
  return envelope?.[CLIENT_CAPABILITIES_META_KEY];
}

function unknownTool(name: string, names: readonly string[]): ProtocolError {
  const candidates = nearest(name, names).join(", ");
  const shown = JSON.stringify(name.slice(0, 100));
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `there is no tool ${shown}; use one of ${candidates}`);
}
