// Control plane, relay and daemon as three processes: the relay reaches the bus with its own credential and nothing else.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BusService } from "../../services/gen/systemsmanager/bus/v1/bus_service_pb.js";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { bearer } from "../../services/shared/bearer.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { type CommandProcess, commandPath, relayUrlOf, startCommand, waitForOutput } from "./command-process.js";
import { type ControlPlane, startControlPlane } from "./control-plane.js";

const busOptions = ["--no-daemon", "--bus", "127.0.0.1:0"];
const anyListen = ["--listen", "127.0.0.1:0"];

let controlPlane: ControlPlane;
let relay: CommandProcess;
let daemon: CommandProcess;
let relayUrl: string;
let daemonDirectory: string;
let tokenFile: string;

beforeAll(async () => {
  controlPlane = await startControlPlane("127.0.0.1", busOptions);
  tokenFile = join(controlPlane.stateDirectory, "relay.token");
  relay = startRelay("127.0.0.1:0");
  relayUrl = await relayUrlOf(relay);
  daemonDirectory = await mkdtemp(join(tmpdir(), "systems-manager-e2e-"));
  const fleetKey = ["--fleet-key", join(controlPlane.stateDirectory, "fleet.pub")];
  daemon = startCommand(["daemon", "--relay", relayUrl, ...fleetKey, "--state-dir", daemonDirectory]);
});

afterAll(async () => {
  await daemon?.stop("SIGTERM");
  await relay?.stop("SIGTERM");
  await controlPlane?.[Symbol.asyncDispose]();
  await rm(daemonDirectory, { recursive: true, force: true });
});

test("a question goes through all three and comes back as the summary of the one host", async () => {
  await expectAnswer();
});

test("a killed relay comes back on the same port, the daemon with it, and both answer again", async () => {
  await relay.stop("SIGKILL");
  relay = startRelay(new URL(relayUrl).host);
  expect(await relayUrlOf(relay)).toBe(relayUrl);
  await waitForOutput(relay, "host attached");
  await expectAnswer();
});

test("a relay that outlives its control plane brings its hosts back to the next one", async () => {
  const { stateDirectory, addresses } = controlPlane;
  await controlPlane.stop();
  const samePort = ["--no-daemon", "--bus", new URL(addresses.bus as string).host];
  controlPlane = await startControlPlane("127.0.0.1", samePort, stateDirectory);
  await waitForOutput(relay, "the bus began anew");
  await expectAnswer();
  expect(relay.output().match(/host attached/g)).toHaveLength(1);
});

test("the relay's token opens the bus and not the fleet, the local token the fleet and not the bus", async () => {
  const relayToken = (await readFile(tokenFile, "utf8")).trim();
  const { grpc, bus = "" } = controlPlane.addresses;
  const askFleet = (token: string) => clientOf(FleetService, grpc, token).findHosts({ selector: "all" });
  const askBus = (token: string) => clientOf(BusService, bus, token).getTopics({});
  expect((await askFleet(controlPlane.token)).hosts).toHaveLength(1);
  expect((await askBus(relayToken)).topics).toHaveLength(3);
  for (const refused of [() => askFleet(relayToken), () => askBus(controlPlane.token)]) {
    const error = await refused().catch((reason: unknown) => reason);
    expect(errorDetailOf(error).reason).toBe(ErrorReason.UNAUTHENTICATED);
  }
});

test("SIGTERM drains the relay: it ends by itself and at once", async () => {
  const started = performance.now();
  expect(await relay.stop("SIGTERM")).toBe(0);
  expect(performance.now() - started).toBeLessThan(5_000);
  await waitForOutput(daemon, '"detached"');
});

test.each([
  ["another token", () => ["--bus", controlPlane.addresses.bus, "--bus-token", otherFile("token")], "UNAUTHENTICATED"],
  ["no address", () => ["--bus", "somewhere", "--bus-token", tokenFile], 'INVALID_ARGUMENT: "somewhere" is no address'],
  ["no token file", () => ["--bus", "http://127.0.0.1:1", "--bus-token", "/nowhere"], "INVALID_ARGUMENT: --bus-token"],
])("a relay with %s ends and says why", async (_what, args, expected) => {
  const refused = startCommand(["relay", ...(args() as string[]), "--listen", "127.0.0.1:0"]);
  expect(await refused.exited).toBe(1);
  expect(refused.output()).toContain(expected);
});

test("a relay that starts before its bus says why it waits, and serves when the bus comes", async () => {
  const state = await mkdtemp(join(tmpdir(), "systems-manager-e2e-"));
  const first = await startControlPlane("127.0.0.1", busOptions, state);
  const { bus = "" } = first.addresses;
  await first.stop();
  const early = startCommand(["relay", "--bus", bus, "--bus-token", join(state, "relay.token"), ...anyListen]);
  await waitForOutput(early, "no bus at");
  expect(early.output()).toContain("trying again");
  const samePort = ["--no-daemon", "--bus", new URL(bus).host];
  await using _ = await startControlPlane("127.0.0.1", samePort, state);
  await relayUrlOf(early);
  expect(await early.stop("SIGTERM")).toBe(0);
});

test("SIGTERM ends a relay that waits for its bus", async () => {
  const waiting = startCommand(["relay", "--bus", "http://127.0.0.1:1", "--bus-token", tokenFile, ...anyListen]);
  await waitForOutput(waiting, "trying again");
  expect(await waiting.stop("SIGTERM")).toBe(0);
});

test("with --tls-cert the bus is https: --bus-ca lets a relay in, none keeps it out", async () => {
  const directory = await mkdtemp(join(tmpdir(), "systems-manager-e2e-"));
  const files = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-nodes"];
  const subject = ["-subj", "/CN=bus", "-addext", "subjectAltName=IP:127.0.0.1"];
  await execa(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", ...files, ...subject],
    {
      cwd: directory,
    },
  );
  const certificate = join(directory, "cert.pem");
  const tls = ["--tls-cert", certificate, "--tls-key", join(directory, "key.pem")];
  await using secure = await startControlPlane("127.0.0.1", [...busOptions, ...tls]);
  const bus = ["--bus", secure.addresses.bus as string, "--bus-token", join(secure.stateDirectory, "relay.token")];

  const trusting = startCommand(["relay", ...bus, "--bus-ca", certificate, ...anyListen, ...tls]);
  expect(await relayUrlOf(trusting)).toMatch(/^https:/);
  expect(await trusting.stop("SIGTERM")).toBe(0);
  const careful = startCommand(["relay", ...bus, ...anyListen]);
  await waitForOutput(careful, "trying again");
  expect(careful.output()).toMatch(/no bus at https:.*certificate/);
  expect(await careful.stop("SIGTERM")).toBe(0);
  await rm(directory, { recursive: true });
});

async function expectAnswer() {
  let answer = await ask();
  for (const deadline = Date.now() + 20_000; answer.exitCode !== 0 && Date.now() < deadline; ) {
    await sleep(100);
    answer = await ask();
  }
  expect(answer.stdout, answer.stderr).toContain("ListProcesses: asked 1 host: 1 ok");
  expect(answer.stdout).toContain(hostname());
}

function ask() {
  const args = ["ask", "list-processes", "--on", "all", "limit=3", "--state-dir", controlPlane.stateDirectory];
  return execa(process.execPath, [commandPath, ...args], { reject: false, timeout: 20_000 });
}

function startRelay(listen: string): CommandProcess {
  const bus = ["--bus", controlPlane.addresses.bus as string, "--bus-token", tokenFile];
  return startCommand(["relay", ...bus, "--listen", listen]);
}

function otherFile(name: string): string {
  return join(controlPlane.stateDirectory, name);
}

function clientOf<Service extends typeof FleetService | typeof BusService>(
  service: Service,
  url: string,
  token: string,
) {
  return createClient(service, createGrpcTransport({ baseUrl: url, interceptors: [bearer(token)] }));
}
