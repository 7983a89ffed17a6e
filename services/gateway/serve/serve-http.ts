// MCP over Streamable HTTP: one URL for both eras. Admission comes first, then the size of the body, then the protocol.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { type AuthInfo, createMcpHandler, isLegacyRequest, type McpServer } from "@modelcontextprotocol/server";
import type { Principal } from "../../identity/principal.js";
import { createLogger } from "../../shared/log.js";
import { type AdmissionOptions, admission, bracketed, path } from "./admission.js";
import { createSessions, type SessionLimits } from "./sessions.js";

export interface HttpOptions extends AdmissionOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Largest request body in bytes; 1 MiB when absent. */
  readonly maxRequestBytes?: number;
  /** Bounds for sessions of 2025-era clients; 256, and 30 minutes, when absent. */
  readonly sessions?: Partial<SessionLimits>;
}

/** A listening server. */
export interface HttpServer {
  /** "http://127.0.0.1:7600/mcp". */
  readonly url: string;
  /** Ends every session and request, cancels their runs, and stops listening. */
  close(): Promise<void>;
}

const defaultLimits: SessionLimits = { maxSessions: 256, idleMs: 30 * 60_000 };
// Connections that may wait to be accepted: many agents come at once, and the system's 511 would make them try again seconds later.
const backlog = 4_096;
const log = createLogger("gateway");

/** Listens, and makes a server for each request or session. */
export async function serveHttp(
  options: HttpOptions,
  serverFor: (principal: Principal) => McpServer,
): Promise<HttpServer> {
  const maxRequestBodySize = options.maxRequestBytes ?? 1_048_576;
  const onerror = (error: Error) => log.debug({ err: error }, "a request was refused");
  const modern = createMcpHandler(({ authInfo }) => serverFor(principalOf(authInfo)), {
    legacy: "reject",
    onerror,
    maxRequestBodySize,
  });
  const sessions = createSessions({ ...defaultLimits, ...options.sessions }, serverFor);
  const admit = admission(options);

  const server = createServer((request, response) => {
    const principal = admit(request, response);
    if (!principal) return;
    const authInfo: AuthInfo = { token: "", clientId: principal.name, scopes: [], extra: { principal } };
    const onResponseClosed = (listener: () => void) => void response.once("close", listener);
    const fetch = async (web: Request) => {
      if (!(await isLegacyRequest(web, undefined, { maxRequestBodySize }))) return modern.fetch(web, { authInfo });
      return sessions.handle({ request: web, principal, authInfo, onResponseClosed });
    };
    const serve = toNodeHandler(
      { fetch },
      { onerror: (error) => log.error({ err: error }, "a request failed"), maxRequestBodySize },
    );
    serve(request as Parameters<typeof serve>[0], response).catch((error: unknown) => {
      log.error({ err: error }, "a response could not be written");
      response.destroy();
    });
  });
  await listen(server, options.listen);
  return {
    url: urlOf(server, options.listen.host),
    close: () => close(server, [() => modern.close(), () => sessions.close()]),
  };
}

function principalOf(authInfo: AuthInfo | undefined): Principal {
  const principal = authInfo?.extra?.principal as Principal | undefined;
  if (!principal) throw new Error("a request came without its principal");
  return principal;
}

async function listen(server: Server, { host, port }: HttpOptions["listen"]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${bracketed(host)}:${port}${path}`;
}

async function close(server: Server, parts: readonly (() => Promise<void>)[]): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  await Promise.all(parts.map((part) => part()));
  server.closeAllConnections();
  await stopped;
}
