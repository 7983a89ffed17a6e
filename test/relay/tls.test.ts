// TLS between relay and daemon: the daemon checks the relay, and with a ca the relay asks daemons for a certificate.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ClientTls } from "../../services/daemon/dial-socket.js";
import { connectRelay } from "../../services/daemon/relay-connection.js";
import { ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { openTestPath, type TestPath } from "../daemon/test-path.js";
import { waitFor } from "../shared/wait-for.js";
import { helloOf } from "./raw-client.js";
import { snapshotMethod } from "./simulated-fleet.js";

let directory: string;
let path: TestPath;

const read = (name: string) => readFileSync(join(directory, name));

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "systems-manager-tls-"));
  for (const name of ["relay", "daemon", "stranger"]) {
    const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const files = ["-keyout", `${name}.key`, "-out", `${name}.crt`];
    await execa("openssl", ["req", "-x509", "-days", "2", ...key, ...subject, ...files], { cwd: directory });
  }
});

afterAll(() => rmSync(directory, { recursive: true }));

beforeEach(async () => {
  path = await openTestPath();
});

afterEach(() => path.close());

async function attach(url: string, tls: ClientTls) {
  const { value } = helloOf("tls");
  const options = {
    onDelivery: () => undefined,
    onDrain: () => undefined,
    onTaken: () => undefined,
    signal: new AbortController().signal,
  };
  return connectRelay({ url, tls, hello: value as never, timeoutMs: 5_000, ...options });
}

test("a daemon attaches to an https relay whose certificate it trusts, and answers", async () => {
  const relay = await path.startRelay({ tls: { key: read("relay.key"), cert: read("relay.crt") } });
  expect(relay.url).toMatch(/^https:/);
  const daemon = await path.startHost("one", {}, { relayUrls: [relay.url], tls: { ca: read("relay.crt") } });
  const command = await path.fleet.send([daemon.hostId], { method: snapshotMethod });
  expect((await path.fleet.repliesTo(command))[0]?.outcome).toBe(ReplyOutcome.OK);
});

test.each([
  ["no ca", {}],
  ["another ca", { ca: "stranger.crt" }],
])("a daemon with %s refuses the relay", async (_, { ca }: { ca?: string }) => {
  const relay = await path.startRelay({ tls: { key: read("relay.key"), cert: read("relay.crt") } });
  const error = await attach(relay.url, ca ? { ca: read(ca) } : {}).catch((reason: unknown) => reason);
  expect(errorDetailOf(error).reason).toBe(ErrorReason.UNREACHABLE);
  expect((error as Error).message).toMatch(/self-signed|certificate/);
});

test("a relay with a ca takes daemons whose certificate it signed, and no others", async () => {
  const tls = { key: read("relay.key"), cert: read("relay.crt"), ca: read("daemon.crt") };
  const relay = await path.startRelay({ tls });
  const ca = read("relay.crt");
  const known = await attach(relay.url, { ca, key: read("daemon.key"), cert: read("daemon.crt") });
  known.end();
  await known.closed;
  for (const client of [{ ca }, { ca, key: read("stranger.key"), cert: read("stranger.crt") }]) {
    const error = await attach(relay.url, client).catch((reason: unknown) => reason);
    expect(errorDetailOf(error).reason).toBe(ErrorReason.UNREACHABLE);
  }
  expect(relay.counters().attachments).toBe(1);
});

test("a daemon that dials plain HTTP to an https relay is told that nothing usable is there", async () => {
  const relay = await path.startRelay({ tls: { key: read("relay.key"), cert: read("relay.crt") } });
  const error = await attach(relay.url.replace("https", "http"), {}).catch((reason: unknown) => reason);
  expect(errorDetailOf(error)).toMatchObject({ reason: ErrorReason.UNREACHABLE });
});

test.each([
  ["the same key", {}, true],
  ["the same key and client authority", { ca: "daemon.crt" }, true],
  ["another client authority", { ca: "stranger.crt" }, false],
])("a daemon resumes its session at another relay with %s: %s", async (_, { ca }: { ca?: string }, resumes) => {
  const identity = { key: read("relay.key"), cert: read("relay.crt") };
  const first = await path.startRelay({ tls: { ...identity, ...(ca ? { ca: read("daemon.crt") } : {}) } });
  const second = await path.startRelay({ tls: { ...identity, ...(ca ? { ca: read(ca) } : {}) } });
  const { session } = await dialTls(first.url);
  expect((await dialTls(second.url, session)).reused).toBe(resumes);
});

// Dials with the daemon's certificate, and gives the session once its ticket has come.
async function dialTls(url: string, session?: Buffer): Promise<{ session: Buffer | undefined; reused: boolean }> {
  const { hostname, port } = new URL(url);
  const trust = { ca: read("relay.crt"), key: read("daemon.key"), cert: read("daemon.crt"), ALPNProtocols: ["h2"] };
  const socket = connect({ host: hostname, port: Number(port), ...trust, ...(session ? { session } : {}) });
  let latest: Buffer | undefined;
  socket.on("session", (given) => {
    latest = given;
  });
  // A relay with another authority cuts the connection; whether the session was reused is known by then.
  socket.on("error", () => undefined);
  await once(socket, "secureConnect");
  const reused = socket.isSessionReused();
  if (!session) await waitFor(() => latest !== undefined, "a session ticket");
  socket.destroy();
  return { session: latest, reused };
}

test("a thousand peers that connect and say nothing do not keep a daemon out", async () => {
  const relay = await path.startRelay({ tls: { key: read("relay.key"), cert: read("relay.crt") } });
  const { port } = new URL(relay.url);
  const silent = Array.from({ length: 1_000 }, () => connectPlain({ host: "127.0.0.1", port: Number(port) }));
  await Promise.all(silent.map((socket) => once(socket, "connect")));
  const connection = await attach(relay.url, { ca: read("relay.crt") });
  expect(connection.relayId).toBe(relay.relayId);
  connection.end();
  for (const socket of silent) socket.destroy();
  await connection.closed;
});
