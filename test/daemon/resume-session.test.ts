// A daemon that dials again resumes its TLS session: the relay need not sign, and the daemon not check, a certificate again.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { dialSocket, type TlsMemory } from "../../services/daemon/dial-socket.js";
import { waitFor } from "../shared/wait-for.js";
import { openTestPath, type TestPath } from "./test-path.js";

let directory: string;
let path: TestPath;
let identity: { key: Buffer; cert: Buffer };

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "systems-manager-tls-"));
  const subject = ["-subj", "/CN=relay", "-addext", "subjectAltName=IP:127.0.0.1"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const files = ["-keyout", "relay.key", "-out", "relay.crt"];
  await execa("openssl", ["req", "-x509", "-days", "2", ...key, ...subject, ...files], { cwd: directory });
  identity = { key: readFileSync(join(directory, "relay.key")), cert: readFileSync(join(directory, "relay.crt")) };
});

afterAll(() => rmSync(directory, { recursive: true }));

beforeEach(async () => {
  path = await openTestPath();
});

afterEach(() => path.close());

// Dials, waits until there is a session to remember, and tells whether an earlier one was resumed.
async function dial(url: string, tlsMemory: TlsMemory): Promise<boolean> {
  const socket = dialSocket({ url, tls: { ca: identity.cert }, tlsMemory }) as TLSSocket;
  await once(socket, "secureConnect");
  await waitFor(() => tlsMemory.session !== undefined, "a session to remember");
  const reused = socket.isSessionReused();
  socket.destroy();
  return reused;
}

test("the second dial to a relay resumes the session of the first; a daemon without memory does not", async () => {
  const relay = await path.startRelay({ tls: identity });
  const memory: TlsMemory = {};
  expect(await dial(relay.url, memory)).toBe(false);
  expect(await dial(relay.url, memory)).toBe(true);
  expect(await dial(relay.url, {})).toBe(false);
});

test("a session that a relay does not know costs nothing but a full handshake", async () => {
  const first = await path.startRelay({ tls: identity });
  const memory: TlsMemory = {};
  await dial(first.url, memory);
  const stranger = { session: Buffer.from(memory.session as Buffer) };
  const { key, cert } = identity;
  const other = await path.startRelay({ tls: { key, cert, ca: cert } });
  // That relay asks for certificates, and says so by ending what comes without one.
  const socket = dialSocket({ url: other.url, tls: { ca: cert, key, cert }, tlsMemory: stranger }) as TLSSocket;
  await once(socket, "secureConnect");
  expect(socket.authorized).toBe(true);
  socket.destroy();
});
