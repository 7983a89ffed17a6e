// MCP over Streamable HTTP: one URL for both eras. Checked in this order: path, Host, Origin, credential, size, then the protocol.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConnectError } from "@connectrpc/connect";
import { hostHeaderValidation, originValidation, toNodeHandler } from "@modelcontextprotocol/node";
import {
  type AuthInfo,
  createMcpHandler,
  isLegacyRequest,
  localhostAllowedHostnames,
  type McpServer,
} from "@modelcontextprotocol/server";
import type { Authenticator, Principal } from "../../identity/principal.js";
import { ErrorReason, hasReason } from "../../shared/errors.js";
import { createLogger } from "../../shared/log.js";
import { jsonRpcError } from "./json-rpc-error.js";
import { createSessions, type SessionLimits } from "./sessions.js";

export interface HttpOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly authenticate: Authenticator;
  /** Host names, besides localhost and listen.host, that clients may send in Host and browsers in Origin. */
  readonly allowedHosts?: readonly string[];
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

const path = "/mcp";
const defaultLimits: SessionLimits = { maxSessions: 256, idleMs: 30 * 60_000 };
// Browsers can be made to send these as a host name; nobody else needs to.
const wildcards = ["0.0.0.0", "::"];
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

/** Lets a request in and tells whose it is, or answers it with the refusal. */
function admission(
  options: HttpOptions,
): (request: IncomingMessage, response: ServerResponse) => Principal | undefined {
  const listenHost = wildcards.includes(options.listen.host) ? [] : [bracketed(options.listen.host)];
  const names = [...localhostAllowedHostnames(), ...listenHost, ...(options.allowedHosts ?? [])];
  const hostIsAllowed = hostHeaderValidation(names);
  const originIsAllowed = originValidation(names);
  return (request, response) => {
    if (new URL(request.url ?? "/", "http://localhost").pathname !== path) {
      return refuse(response, jsonRpcError(404, `there is nothing here; MCP is at ${path}`));
    }
    if (!hostIsAllowed(request, response) || !originIsAllowed(request, response)) return undefined;
    try {
      return options.authenticate(request.headers.authorization ?? null);
    } catch (error) {
      if (!hasReason(error, ErrorReason.UNAUTHENTICATED)) {
        log.error({ err: error }, "the credential could not be checked");
        return refuse(response, jsonRpcError(500, "the credential could not be checked; see the server's log"));
      }
      const challenge = { "www-authenticate": 'Bearer realm="systems-manager"' };
      return refuse(response, jsonRpcError(401, ConnectError.from(error).rawMessage, challenge));
    }
  };
}

function refuse(response: ServerResponse, refusal: Response): undefined {
  response.writeHead(refusal.status, Object.fromEntries(refusal.headers));
  refusal.text().then(
    (text) => response.end(text),
    (error: unknown) => response.destroy(error as Error),
  );
}

function principalOf(authInfo: AuthInfo | undefined): Principal {
  const principal = authInfo?.extra?.principal as Principal | undefined;
  if (!principal) throw new Error("a request came without its principal");
  return principal;
}

async function listen(server: Server, { host, port }: HttpOptions["listen"]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${bracketed(host)}:${port}${path}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

async function close(server: Server, parts: readonly (() => Promise<void>)[]): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  await Promise.all(parts.map((part) => part()));
  server.closeAllConnections();
  await stopped;
}
