// The processes of a fleet as its users start them, each at addresses that it keeps when it is killed and started again.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { statePaths } from "../../../services/cli/state-directory.js";
import { findPackageRoot } from "../../../services/shared/package-root.js";
import { type ManagedProcess, manageProcess } from "./managed-process.js";

/** What all processes of one world have in common. */
export interface WorldSetup {
  /** For state and logs. */
  readonly directory: string;
  readonly fleetId: string;
  /** Arguments that name the fleet's bus to a control plane. */
  readonly bus: readonly string[];
  /** And those that name it to a relay. */
  readonly relayBus: readonly string[];
  /** Told what no fault explains. */
  readonly onIncident: (what: string) => void;
}

export interface ControlPlaneProcess {
  readonly process: ManagedProcess;
  readonly grpcUrl: string;
  token(): string;
}

export interface RelayProcess {
  readonly process: ManagedProcess;
  readonly url: string;
}

export interface EmulatorProcess {
  readonly process: ManagedProcess;
  /** Names of its hosts. */
  readonly hosts: readonly string[];
  readonly executionsFile: string;
}

const commandPath = new URL("dist/services/cli/main.js", findPackageRoot()).pathname;

/** A control plane; the first one makes the fleet's signing key, the others take it over when they are described. */
export function describeControlPlane(setup: WorldSetup, instance: number, port: number, keyFrom?: string) {
  const state = stateOf(setup, instance);
  if (keyFrom !== undefined) takeOverKey(keyFrom, state);
  const listen = ["--grpc", `127.0.0.1:${port}`, "--mcp", "127.0.0.1:0"];
  const role = ["--no-daemon", "--no-relay", "--instance", String(instance), "--state-dir", state];
  const isReady = () => canConnect(port);
  return {
    process: describe(setup, `control-plane-${instance}`, ["up", ...listen, ...role, ...setup.bus], isReady),
    grpcUrl: `http://127.0.0.1:${port}`,
    token: () => readFileSync(statePaths(state).token, "utf8").trim(),
  } satisfies ControlPlaneProcess;
}

/** State directory of a control plane. */
export function stateOf({ directory }: Pick<WorldSetup, "directory">, instance: number): string {
  return join(directory, `control-plane-${instance}`);
}

/** A relay. */
export function describeRelay(setup: WorldSetup, index: number, port: number): RelayProcess {
  const name = `relay-${index}`;
  const args = ["relay", "--listen", `127.0.0.1:${port}`, "--relay-id", name, ...setup.relayBus];
  return { process: describe(setup, name, args, () => canConnect(port)), url: `http://127.0.0.1:${port}` };
}

/** Simulated hosts of one process; labelled with its number, and the same ones again at each start. */
export function describeEmulator(setup: WorldSetup, index: number, hosts: number, relays: readonly RelayProcess[]) {
  const name = `emulator-${index}`;
  const state = join(setup.directory, name);
  const prefix = `g${index}-`;
  const size = ["--hosts", String(hosts), "--name-prefix", prefix, "--label", `group=${index}`];
  const where = relays.flatMap(({ url }) => ["--relay", url]);
  const key = ["--fleet-key", statePaths(stateOf(setup, 0)).verifyingKey, "--state-dir", state];
  const args = ["emulate", ...size, ...where, ...key, "--distinct-answers", "5"];
  return {
    process: describe(setup, name, args, async (said) => said().includes(`${hosts} of ${hosts} hosts attached`)),
    hosts: Array.from({ length: hosts }, (_, host) => `${prefix}${host}`),
    executionsFile: join(state, "executions.jsonl"),
  } satisfies EmulatorProcess;
}

function describe(
  { directory, fleetId, onIncident }: WorldSetup,
  name: string,
  args: readonly string[],
  isReady: (said: () => string) => Promise<boolean>,
): ManagedProcess {
  return manageProcess({
    name,
    program: process.execPath,
    args: [commandPath, ...args, "--fleet-id", fleetId],
    env: { SYSTEMS_MANAGER_LOG: process.env.SYSTEMS_MANAGER_LOG ?? "info" },
    logFile: join(directory, "logs", `${name}.log`),
    isReady,
    onUnexpectedEnd: onIncident,
  });
}

function takeOverKey(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const file of ["signingKey", "verifyingKey"] as const) {
    const copy = statePaths(to)[file];
    if (!existsSync(copy)) copyFileSync(statePaths(from)[file], copy);
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
