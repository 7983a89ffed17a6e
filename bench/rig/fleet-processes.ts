// The processes of a fleet, as its users start them: control plane, relays, emulated hosts; TLS and signatures on.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { type BenchProcess, logLine, startProcess } from "./bench-process.js";
import { type CertificateFiles, makeCertificate } from "./certificate.js";

/** What all processes of one fleet have in common. */
export interface FleetSetup {
  readonly directory: string;
  readonly logDirectory: string;
  readonly fleetId: string;
  readonly certificate: CertificateFiles;
  /** "HOST:PORT" of the broker; absent: the control plane's own bus, with a relay in its process. */
  readonly kafka?: string;
  /** Where profiles go. */
  readonly profile?: string;
}

export interface ControlPlaneProcess {
  readonly process: BenchProcess;
  readonly mcpUrl: string;
  readonly grpcUrl: string;
  readonly token: string;
  /** PEM file that hosts verify commands with. */
  readonly fleetKey: string;
  /** Only with a bus of its own. */
  readonly relayUrl?: string;
}

export interface RelayProcess {
  readonly process: BenchProcess;
  readonly name: string;
  readonly url: string;
  readonly metricsUrl: string;
}

const commandPath = fileURLToPath(new URL("dist/services/cli/main.js", findPackageRoot()));

/** A directory, a certificate and a name of its own. The directory is gone after removeSetup. */
export async function createSetup(options: Pick<FleetSetup, "kafka" | "profile">): Promise<FleetSetup> {
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-bench-"));
  const certificate = await makeCertificate(directory);
  return { ...options, directory, logDirectory: join(directory, "logs"), fleetId: `bench-${process.pid}`, certificate };
}

/** Takes its files away. */
export function removeSetup({ directory }: FleetSetup): void {
  rmSync(directory, { recursive: true, force: true });
}

/** Resolves when it takes calls. */
export async function startControlPlane(setup: FleetSetup): Promise<ControlPlaneProcess> {
  const state = join(setup.directory, "control-plane");
  const listen = ["--mcp", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--no-daemon", "--state-dir", state];
  const bus = setup.kafka ? ["--no-relay", "--kafka", setup.kafka] : ["--relay", "127.0.0.1:0", ...tlsOptions(setup)];
  const process = start(setup, "up", [...listen, ...bus]);
  await process.waitFor("listened", (line) => (line.startsWith("Stop") ? line : undefined));
  const addresses = JSON.parse(readFileSync(join(state, "addresses.json"), "utf8"));
  return {
    process,
    mcpUrl: addresses.mcp,
    grpcUrl: addresses.grpc,
    token: readFileSync(join(state, "token"), "utf8").trim(),
    fleetKey: join(state, "fleet.pub"),
    ...(addresses.relay ? { relayUrl: addresses.relay } : {}),
  };
}

/** Resolves when daemons can attach. */
export async function startRelay(
  setup: FleetSetup,
  name: string,
  listen = "127.0.0.1:0",
  heartbeatSeconds = 10,
): Promise<RelayProcess> {
  const options = [
    "--kafka",
    setup.kafka as string,
    "--listen",
    listen,
    "--relay-id",
    name,
    "--metrics",
    "127.0.0.1:0",
    "--heartbeat",
    String(heartbeatSeconds),
  ];
  const process = start(setup, "relay", [...options, ...tlsOptions(setup)], name);
  const metrics = await process.waitFor("showed metrics", logLine("metrics can be scraped"));
  const { url } = await process.waitFor("served", logLine("relay serves"));
  return { process, name, url: url as string, metricsUrl: metrics.url as string };
}

export interface EmulatorOptions {
  readonly hosts: number;
  readonly relayUrls: readonly string[];
  readonly fleetKey: string;
}

/** Resolves at once; the hosts attach as fast as they can. */
export function startEmulator(setup: FleetSetup, { hosts, relayUrls, fleetKey }: EmulatorOptions): BenchProcess {
  const relays = relayUrls.flatMap((url) => ["--relay", url]);
  const trust = ["--relay-ca", setup.certificate.cert, "--fleet-key", fleetKey];
  const { seed, variants, snapshotBytes } = emulatedAnswers;
  const answers = ["--seed", seed, "--answer-bytes", String(snapshotBytes), "--distinct-answers", String(variants)];
  const state = ["--state-dir", join(setup.directory, "emulator")];
  return start(setup, "emulate", ["--hosts", String(hosts), ...relays, ...trust, ...answers, ...state]);
}

export interface DaemonOptions {
  readonly relayUrl: string;
  readonly fleetKey: string;
  readonly stateDirectory: string;
}

/** A real daemon of this machine; resolves at once. */
export function startDaemon(setup: FleetSetup, { relayUrl, fleetKey, stateDirectory }: DaemonOptions): BenchProcess {
  const trust = ["--relay-ca", setup.certificate.cert, "--fleet-key", fleetKey];
  return start(setup, "daemon", ["--relay", relayUrl, ...trust, "--state-dir", stateDirectory, "--name", "real"]);
}

/** What emulated hosts answer: as large, and with as many different ones, as in the floor. */
export const emulatedAnswers = { seed: "1", variants: 70, snapshotBytes: 620 };

function start(setup: FleetSetup, verb: string, args: readonly string[], name = verb): BenchProcess {
  const { fleetId, logDirectory, profile } = setup;
  return startProcess({
    name,
    program: process.execPath,
    args: [commandPath, verb, ...args, "--fleet-id", fleetId],
    logDirectory,
    env: profile === undefined ? {} : profileEnvironment(profile),
  });
}

function profileEnvironment(directory: string) {
  const preload = new URL("./profile-on-signal.js", import.meta.url).href;
  return { NODE_OPTIONS: `--import=${preload}`, BENCH_PROFILE_DIRECTORY: directory };
}

function tlsOptions({ certificate }: FleetSetup): string[] {
  return ["--tls-cert", certificate.cert, "--tls-key", certificate.key];
}
