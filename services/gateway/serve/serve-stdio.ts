// One MCP connection over a pair of streams; the SDK chooses the era by the client's first message.
import type { Readable, Writable } from "node:stream";
import type { McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio as serve } from "@modelcontextprotocol/server/stdio";
import type { Principal } from "../../identity/principal.js";
import { createLogger } from "../../shared/log.js";

export interface StdioOptions {
  /** In whose name everything on this connection happens. */
  readonly principal: Principal;
  /** Default: the process's stdin. */
  readonly input?: Readable;
  /** Default: the process's stdout. Nothing else may write to it. */
  readonly output?: Writable;
}

/** A served connection. */
export interface StdioConnection {
  /** Resolves when the client has closed its end. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

const log = createLogger("gateway");

/** Serves until the input ends. */
export function serveStdio(options: StdioOptions, serverFor: (principal: Principal) => McpServer): StdioConnection {
  const { principal, input = process.stdin, output = process.stdout } = options;
  const closed = new Promise<void>((resolve) => {
    input.once("end", resolve);
    input.once("close", resolve);
  });
  const handle = serve(() => serverFor(principal), {
    transport: new StdioServerTransport(input, output),
    onerror: (error) => log.warn({ err: error }, "stdio protocol error"),
  });
  return { closed, close: () => handle.close() };
}
