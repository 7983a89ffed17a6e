// The gateway [1]: speaks MCP and nothing else. A tool call becomes one FleetService rpc through the generated client.
import { randomBytes } from "node:crypto";
import type { Principal } from "../identity/principal.js";
import { createServer, type ServerExtension } from "./create-server.js";
import type { CallObserver } from "./observe-call.js";
import { type HttpOptions, type HttpServer, serveHttp } from "./serve/serve-http.js";
import { type StdioConnection, type StdioOptions, serveStdio } from "./serve/serve-stdio.js";
import type { FleetClient, Tool } from "./tool.js";
import { tools as productTools } from "./tools/index.js";

export type {
  CallObserver,
  FleetClient,
  HttpOptions,
  HttpServer,
  ServerExtension,
  StdioConnection,
  StdioOptions,
  Tool,
};

export interface GatewayOptions {
  /**
   * A FleetService client that calls in this principal's name. Called once for every request or session: keep it cheap.
   */
  readonly fleetFor: (principal: Principal) => FleetClient;
  /** Further tools, after the product's own. */
  readonly tools?: readonly Tool[];
  readonly extension?: ServerExtension;
  readonly observer?: CallObserver;
  /**
   * Shared by the gateways behind one address; random, and so for this process alone, when absent. At least 32 bytes.
   */
  readonly stateKey?: Uint8Array;
}

/** Serves the tools. */
export interface Gateway {
  /** Streamable HTTP at /mcp for clients of 2026-07-28 and of 2025. */
  serveHttp(options: HttpOptions): Promise<HttpServer>;
  /** One connection over stdin and stdout, or the streams given, in the name of one principal. */
  serveStdio(options: StdioOptions): StdioConnection;
}

/** Makes a gateway in front of a fleet. */
export function createGateway(options: GatewayOptions): Gateway {
  const stateKey = options.stateKey ?? randomBytes(32);
  const tools = [...productTools, ...(options.tools ?? [])];
  const extras = {
    ...(options.extension ? { extension: options.extension } : {}),
    ...(options.observer ? { observer: options.observer } : {}),
  };
  const serverFor = (principal: Principal) =>
    createServer({ principal, fleet: options.fleetFor(principal), tools, stateKey, ...extras });
  return {
    serveHttp: (http) => serveHttp(http, serverFor),
    serveStdio: (stdio) => serveStdio(stdio, serverFor),
  };
}
