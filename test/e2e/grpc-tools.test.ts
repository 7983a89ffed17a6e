// Stock gRPC tools against the real processes: they know nothing but what reflection tells them, and the proto files.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, loadPackageDefinition, Metadata } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { commandPath } from "./command-process.js";
import { type ControlPlane, startControlPlane } from "./control-plane.js";

const root = new URL("../..", import.meta.url).pathname;
const buf = join(root, "node_modules/.bin/buf");

let controlPlane: ControlPlane;
let stateDirectory: string;
let daemon: ReturnType<typeof startListeningDaemon>;
let fleetUrl: string;
let daemonUrl: string;
let daemonToken: string;

beforeAll(async () => {
  controlPlane = await startControlPlane("127.0.0.1", ["--no-daemon"]);
  fleetUrl = controlPlane.addresses.grpc;
  stateDirectory = await mkdtemp(join(tmpdir(), "systems-manager-e2e-"));
  daemon = startListeningDaemon();
  daemonUrl = await vi.waitFor(() => urlIn(daemon.output()), 10_000);
  daemonToken = (await readFile(join(stateDirectory, "token"), "utf8")).trim();
});

afterAll(async () => {
  await daemon?.stop();
  await controlPlane?.[Symbol.asyncDispose]();
  await rm(stateDirectory, { recursive: true, force: true });
});

test.each([
  ["the control plane", () => fleetUrl, () => controlPlane.token, ["systemsmanager.fleet.v1.FleetService"]],
  [
    "a daemon",
    () => daemonUrl,
    () => daemonToken,
    ["systemsmanager.mutation.v1.MutationService", "systemsmanager.telemetry.v1.TelemetryService"],
  ],
] as const)("buf curl lists the services of %s", async (_what, url, token, services) => {
  const { stdout } = await curl(url(), token(), "", undefined, ["--list-services"]);
  expect(stdout.split("\n").sort()).toEqual(expect.arrayContaining([...services, "grpc.health.v1.Health"]));
});

test.each([
  ["the control plane's health", () => [fleetUrl, controlPlane.token], "grpc.health.v1.Health/Check", {}, "SERVING"],
  ["a daemon's health", () => [daemonUrl, daemonToken], "grpc.health.v1.Health/Check", {}, "SERVING"],
  [
    "FleetService",
    () => [fleetUrl, controlPlane.token],
    "systemsmanager.fleet.v1.FleetService/FindHosts",
    { selector: "all" },
    hostname(),
  ],
  [
    "TelemetryService",
    () => [daemonUrl, daemonToken],
    "systemsmanager.telemetry.v1.TelemetryService/GetSystemSnapshot",
    {},
    hostname(),
  ],
  [
    "MutationService, by a dry run",
    () => [daemonUrl, daemonToken],
    "systemsmanager.mutation.v1.MutationService/Optimize",
    { scopes: ["OPTIMIZE_SCOPE_PACKAGE_CACHE"], dryRun: true },
    "dryRun",
  ],
] as const)("buf curl asks %s", async (_what, endpoint, method, request, expected) => {
  const [url, token] = endpoint() as [string, string];
  const { stdout } = await curl(url, token, method, request);
  expect(stdout).toContain(expected);
});

test("grpc-js with the proto files asks FleetService and TelemetryService", async () => {
  const { systemsmanager } = loadPackageDefinition(
    loadSync(["fleet/v1/fleet_service.proto", "telemetry/v1/telemetry_service.proto"].map(protoFile), {
      includeDirs: [join(root, "proto")],
    }),
  ) as any;
  const found: any = await callUnary(systemsmanager.fleet.v1.FleetService, fleetUrl, controlPlane.token, "findHosts", {
    selector: "all",
  });
  expect(found.hosts[0].facts.name).toBe(hostname());
  const { TelemetryService } = systemsmanager.telemetry.v1;
  const snapshot: any = await callUnary(TelemetryService, daemonUrl, daemonToken, "getSystemSnapshot", {});
  expect(snapshot.os.hostname).toBe(hostname());
});

function startListeningDaemon() {
  const fleetKey = join(controlPlane.stateDirectory, "fleet.pub");
  const relay = ["--relay", controlPlane.addresses.relay, "--fleet-key", fleetKey];
  const own = ["--state-dir", stateDirectory, "--listen", "127.0.0.1:0"];
  const child = execa(process.execPath, [commandPath, "daemon", ...relay, ...own], { reject: false, buffer: false });
  let output = "";
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await child;
  };
  return { output: () => output, stop };
}

/** The daemon logs where it serves, and that it is attached. */
function urlIn(log: string): string {
  const lines = log.split("\n").filter(Boolean);
  const served = lines.map((line) => JSON.parse(line)).find((entry) => entry.directUrl !== undefined);
  expect(served, log).toBeDefined();
  expect(log).toContain('"attached"');
  return served.directUrl;
}

function curl(url: string, token: string, method: string, request?: object, options: string[] = []) {
  const header = ["--header", `authorization: Bearer ${token}`];
  const data = request ? ["--data", JSON.stringify(request)] : [];
  const target = method ? `${url}/${method}` : url;
  return execa(
    buf,
    ["curl", "--reflect", "--protocol", "grpc", "--http2-prior-knowledge", ...header, ...data, ...options, target],
    {
      timeout: 20_000,
    },
  );
}

function protoFile(name: string): string {
  return join(root, "proto/systemsmanager", name);
}

function callUnary(Service: any, url: string, token: string, method: string, request: object): Promise<unknown> {
  const client = new Service(new URL(url).host, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return new Promise((resolve, reject) => {
    client[method](request, metadata, (error: Error | null, response: unknown) => {
      client.close();
      if (error) reject(error);
      else resolve(response);
    });
  });
}
