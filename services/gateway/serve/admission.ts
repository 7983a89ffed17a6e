// Who gets in, by the headers alone: path, Host, Origin, credential, in this order. The body of a refused request is
// never read.
import type { IncomingMessage, ServerResponse } from "node:http";
import { ConnectError } from "@connectrpc/connect";
import { hostHeaderValidation, originValidation } from "@modelcontextprotocol/node";
import { localhostAllowedHostnames } from "@modelcontextprotocol/server";
import type { Authenticator, Principal } from "../../identity/principal.js";
import { ErrorReason, hasReason } from "../../shared/errors.js";
import { createLogger } from "../../shared/log.js";
import { jsonRpcError } from "./json-rpc-error.js";

export interface AdmissionOptions {
  readonly listen: { readonly host: string };
  readonly authenticate: Authenticator;
  /** Host names, besides localhost and listen.host, that clients may send in Host and browsers in Origin. */
  readonly allowedHosts?: readonly string[];
}

/** Where MCP is served. */
export const path = "/mcp";

// Browsers can be made to send these as a host name; nobody else needs to.
const wildcards = ["0.0.0.0", "::"];
const log = createLogger("gateway");

/** Lets a request in and tells whose it is, or answers it with the refusal. */
export function admission(
  options: AdmissionOptions,
): (request: IncomingMessage, response: ServerResponse) => Principal | undefined {
  const listenHost = wildcards.includes(options.listen.host) ? [] : [bracketed(options.listen.host)];
  const names = [...localhostAllowedHostnames(), ...listenHost, ...(options.allowedHosts ?? [])];
  const hostIsAllowed = hostHeaderValidation(names);
  const originIsAllowed = originValidation(names);
  return (request, response) => {
    if (request.url?.split("?")[0] !== path) {
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

/** A host as it stands in a URL. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
