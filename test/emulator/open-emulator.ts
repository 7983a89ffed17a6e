// Emulated hosts on a real relay and the embedded bus, in this process.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { type EmulatedHosts, emulateHosts } from "../../services/emulator/emulate-hosts.js";
import type { Execution } from "../../services/emulator/executions-file.js";
import { parseFaults } from "../../services/emulator/faults/fault-set.js";
import type { Command } from "../../services/gen/systemsmanager/bus/v1/command_pb.js";
import { ManageServiceRequestSchema, ServiceAction } from "../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { signCommand } from "../../services/identity/command-signature.js";
import { simulatedHostId } from "../../services/providers/simulated/simulated-provider.js";
import { openTestPath, quickBackoff, type TestPath, testLog } from "../daemon/test-path.js";
import { createCommand, fleetId, manageServiceMethod } from "../relay/simulated-fleet.js";
import { waitFor } from "../shared/wait-for.js";

export interface EmulatorUnderTest {
  readonly path: TestPath;
  readonly hosts: EmulatedHosts;
  readonly hostIds: string[];
  executions(): Execution[];
  /** Signs a restart of nginx.service and sends it to all hosts. */
  sendChange(): Promise<Command>;
  /** Sends the same change again, as a bus may. */
  sendAgain(command: Command): Promise<void>;
  close(): Promise<void>;
}

const seed = "test";
export const variants = 7;
export const snapshotBytes = 620;
// Long enough for a machine that is busy with other things.
export const heartbeatIntervalMs = 1_000;

/** Resolves when all hosts are attached. */
export async function openEmulator(count: number, faults = ""): Promise<EmulatorUnderTest> {
  const path = await openTestPath({ heartbeatIntervalMs });
  const stateDirectory = path.makeDirectory();
  const executionsFile = join(stateDirectory, "executions.jsonl");
  const hosts = await emulateHosts({
    first: 0,
    last: count,
    namePrefix: "emulated-",
    labels: { simulated: "true" },
    relayUrls: [path.relay.url],
    fleetId,
    verifyingKey: path.fleet.key.verifyingKey,
    stateDirectory,
    executionsFile,
    sourceAddresses: ["127.0.0.2", "127.0.0.3"],
    answers: { seed, variants, snapshotBytes },
    faults: parseFaults(faults),
    backoff: quickBackoff,
    log: testLog,
  });
  await hosts.started;
  await waitFor(() => hosts.counters().attached === count, `${count} hosts to attach`);
  const hostIds = Array.from({ length: count }, (_, number) => simulatedHostId(seed, `emulated-${number}`));
  return {
    path,
    hosts,
    hostIds,
    executions: () => readLines(executionsFile).map((line) => JSON.parse(line) as Execution),
    async sendChange() {
      const command = createCommand(hostIds, {
        method: manageServiceMethod,
        request: restart,
        grant: { planHash: new Uint8Array(32), principal: "tester" },
      });
      await path.fleet.publish(signCommand(path.fleet.key, command), hostIds);
      return command;
    },
    sendAgain: (command) => path.fleet.publish(signCommand(path.fleet.key, command), hostIds),
    async close() {
      await hosts.close();
      await path.close();
    },
  };
}

const restart = toBinary(
  ManageServiceRequestSchema,
  create(ManageServiceRequestSchema, { name: "nginx", action: ServiceAction.RESTART }),
);

function readLines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}
