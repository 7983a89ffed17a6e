// Sessions of 2025-era clients over HTTP. Such a client can only be asked to confirm a change over a session, so each
// gets one: bounded in number and idle time, and open to its own principal alone. Requests of 2026-07-28 need none.
import { randomUUID } from "node:crypto";
import { type AuthInfo, type McpServer, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import type { Principal } from "../../identity/principal.js";
import { createLogger } from "../../shared/log.js";
import { jsonRpcError } from "./json-rpc-error.js";

export interface SessionLimits {
  /** Sessions at the same time. Past it, the one idle for longest ends; when none is idle a new client gets 503. */
  readonly maxSessions: number;
  /** A session without an open response for so long ends. */
  readonly idleMs: number;
}

/** One HTTP request, and when its response is over. */
export interface SessionRequest {
  readonly request: Request;
  readonly principal: Principal;
  readonly authInfo: AuthInfo;
  readonly onResponseClosed: (listener: () => void) => void;
}

export interface Sessions {
  handle(request: SessionRequest): Promise<Response>;
  close(): Promise<void>;
}

interface Session {
  readonly principal: string;
  readonly server: McpServer;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  openResponses: number;
  idleSince: number;
  timer?: NodeJS.Timeout;
}

const log = createLogger("gateway");

/** Keeps the sessions of one HTTP server. */
export function createSessions(limits: SessionLimits, serverFor: (principal: Principal) => McpServer): Sessions {
  const sessions = new Map<string, Session>();

  async function end(id: string): Promise<void> {
    const session = sessions.get(id);
    if (!session) return;
    sessions.delete(id);
    clearTimeout(session.timer);
    try {
      await session.server.close();
    } catch (error) {
      // The session is forgotten all the same; nobody waits for this one.
      log.warn({ err: error }, "a session did not close cleanly");
    }
  }

  function release(id: string, session: Session): void {
    session.openResponses--;
    if (session.openResponses > 0 || !sessions.has(id)) return;
    session.idleSince = performance.now();
    session.timer = setTimeout(() => void end(id), limits.idleMs).unref();
  }

  async function makeRoom(): Promise<boolean> {
    if (sessions.size < limits.maxSessions) return true;
    const idle = [...sessions].filter(([, { openResponses }]) => openResponses === 0);
    const [longest] = idle.sort(([, a], [, b]) => a.idleSince - b.idleSince);
    if (longest) await end(longest[0]);
    return longest !== undefined;
  }

  function use(
    id: string,
    session: Session,
    { request, authInfo, onResponseClosed }: SessionRequest,
  ): Promise<Response> {
    clearTimeout(session.timer);
    session.openResponses++;
    onResponseClosed(() => release(id, session));
    return session.transport.handleRequest(request, { authInfo });
  }

  /**
   * Serves a request without a session id: the transport refuses everything but initialize, and only that makes a
   * session.
   */
  async function open(given: SessionRequest): Promise<Response> {
    if (!(await makeRoom())) {
      return jsonRpcError(
        503,
        `all ${limits.maxSessions} sessions are in use; try again later, or use a client of 2026-07-28, which needs none`,
      );
    }
    const id = randomUUID();
    const server = serverFor(given.principal);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      onsessioninitialized: () => {
        sessions.set(id, session);
      },
      onsessionclosed: () => end(id),
    });
    const session: Session = { principal: given.principal.name, server, transport, openResponses: 0, idleSince: 0 };
    await server.connect(transport);
    const response = await use(id, session, given);
    if (!sessions.has(id)) await server.close();
    return response;
  }

  return {
    async handle(given) {
      const id = given.request.headers.get("mcp-session-id");
      if (id === null) return open(given);
      const session = sessions.get(id);
      // Whether the session is another principal's is nobody else's business.
      if (session?.principal !== given.principal.name) return jsonRpcError(404, "no such session; initialize again");
      return use(id, session, given);
    },
    async close() {
      await Promise.all([...sessions.keys()].map(end));
    },
  };
}
