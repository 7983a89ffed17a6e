// The TLS side of a server that thousands of clients come back to at once.
import { createHash, hkdfSync } from "node:crypto";
import type { TlsOptions } from "node:tls";
import { secureOptions, type TlsIdentity } from "../http2-listener.js";

// A client that was attached for days still comes back with its ticket.
const ticketSeconds = 7 * 24 * 60 * 60;
const ticketKeyBytes = 48;
const contextBytes = 16;

/**
 * Options of a TLS server for HTTP/2. Session tickets are sealed with a secret derived from the private key, so that they stay
 * valid when the server restarts, and on every other one with the same key and the same client authority.
 */
export function tlsServerOptions(tls: TlsIdentity): TlsOptions & { readonly noDelay: true } {
  const context = createHash("sha256")
    .update(tls.ca ?? "")
    .digest();
  const derive = (purpose: string, bytes: number) =>
    Buffer.from(hkdfSync("sha256", tls.key, context, `systems-manager relay ${purpose} v1`, bytes));
  return {
    ...secureOptions(tls),
    ALPNProtocols: ["h2"],
    noDelay: true,
    ticketKeys: derive("session tickets", ticketKeyBytes),
    sessionIdContext: derive("session context", contextBytes).toString("hex"),
    sessionTimeout: ticketSeconds,
  };
}
