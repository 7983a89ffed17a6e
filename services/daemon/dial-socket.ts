// The socket below an attach stream: TCP or TLS to the relay, with what the daemon remembers of relays to come back cheaply.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type SecureContext } from "node:tls";
import { ErrorReason, failure } from "../shared/errors.js";

/** Whom to trust, and with whose certificate to dial; PEM. */
export interface ClientTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** The last session of a daemon with its relays: who resumes one needs no certificates, which is most of what a handshake costs. */
export interface TlsMemory {
  session?: Buffer;
}

/** Where to, and how. */
export interface DialOptions {
  readonly url: string;
  readonly tls: ClientTls;
  /** Kept between dials; nothing is resumed when absent. */
  readonly tlsMemory?: TlsMemory;
  /** The source address; the system's choice when absent. */
  readonly localAddress?: string;
}

// A relay that is up accepts at once however busy it is; what comes after may take it longer.
const connectTimeoutMs = 10_000;

/** Dials at once. The socket is destroyed with UNREACHABLE when nothing accepts it in time. */
export function dialSocket(options: DialOptions): Socket {
  const { protocol, hostname, port } = new URL(options.url);
  const secure = protocol === "https:";
  const target = {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (secure ? 443 : 80),
    ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
  };
  const socket = secure ? dialTls(target, options) : connectTcp(target);
  socket.setNoDelay(true);
  const timer = setTimeout(() => socket.destroy(notAccepted(options.url)), connectTimeoutMs);
  const settle = () => clearTimeout(timer);
  socket.once("connect", settle).once("close", settle);
  return socket;
}

function dialTls(target: { host: string; port: number }, { tls, tlsMemory }: DialOptions): Socket {
  const socket = connectTls({
    ...target,
    ALPNProtocols: ["h2"],
    secureContext: secureContextOf(tls),
    // A name is told to the relay and looked for in its certificate; an address is only looked for.
    ...(/^[\d.]+$|:/.test(target.host) ? {} : { servername: target.host }),
    ...(tlsMemory?.session ? { session: tlsMemory.session } : {}),
  });
  if (tlsMemory) socket.on("session", (session: Buffer) => (tlsMemory.session = session));
  return socket;
}

const contexts = new WeakMap<ClientTls, SecureContext>();

// Reading certificates costs as much as a handshake.
function secureContextOf(tls: ClientTls): SecureContext {
  const known = contexts.get(tls) ?? createSecureContext(tls);
  contexts.set(tls, known);
  return known;
}

function notAccepted(url: string) {
  return failure(ErrorReason.UNREACHABLE, `nothing accepted the connection within ${connectTimeoutMs} ms`, {
    metadata: { address: url },
    remedy: "check the address, the network and that a relay runs there",
  });
}
