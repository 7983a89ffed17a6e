// The measured calls of a fan-out: many questions in a row, what each took, and whose CPU they took.

import type { Kafka } from "../../test/kafka/start-kafka.js";
import type { Asked, Asker } from "./ask-fleet.js";
import { checkContent, countMissing } from "./check-answers.js";
import type { FleetUnderTest } from "./fleet-under-test.js";
import { withProfiles } from "./profile-processes.js";
import { measureUsage, type UsageWindow } from "./usage-window.js";

export type Role = "controlPlane" | "relay" | "broker" | "hosts";

export interface MeasuredCalls {
  /** Over MCP, milliseconds. */
  readonly times: readonly number[];
  /** Over gRPC, milliseconds. */
  readonly grpcTimes: readonly number[];
  /** From the run's start to its last host's answer, milliseconds. */
  readonly lastHosts: readonly number[];
  /** Answers that should have come and did not, of all calls. */
  readonly missing: number;
  /** Microseconds of CPU for each answer of the calls over MCP. */
  readonly cpuPerAnswer: Readonly<Record<Role, number>>;
  readonly othersShare: number;
}

/** Asks all hosts so often over MCP, then a third as often over gRPC, and checks every answer. */
export async function measureCalls(
  fleet: FleetUnderTest,
  broker: Kafka | undefined,
  calls: number,
): Promise<MeasuredCalls> {
  const { asker, hosts, setup } = fleet;
  const roles = rolesOf(fleet, broker);
  const profiled = [fleet.controlPlane.process, ...fleet.relays.map(({ process }) => process), fleet.emulator];
  const window: UsageWindow<Role, Asked[]> = await withProfiles(setup.profile, profiled, () =>
    measureUsage(roles, () => askRepeatedly(asker.overMcp, calls)),
  );
  const overGrpc = await askRepeatedly(asker.overGrpc, Math.ceil(calls / 3));
  const runs = [...window.value, ...overGrpc];
  const lastHosts: number[] = [];
  for (const { runId } of window.value) lastHosts.push(await asker.lastHost(runId));
  for (const run of [window.value[0], overGrpc.at(-1)]) await checkContent(asker, (run as Asked).runId);
  const perAnswer = (cpuMs: number) => (cpuMs * 1000) / (calls * hosts);
  const { controlPlane, relay, broker: brokerMs, hosts: hostsMs } = window.cpuMs;
  return {
    times: window.value.map(({ milliseconds }) => milliseconds),
    grpcTimes: overGrpc.map(({ milliseconds }) => milliseconds),
    lastHosts,
    missing: countMissing(runs, hosts),
    cpuPerAnswer: {
      controlPlane: perAnswer(controlPlane),
      relay: perAnswer(relay),
      broker: perAnswer(brokerMs),
      hosts: perAnswer(hostsMs),
    },
    othersShare: window.othersShare,
  };
}

function rolesOf(fleet: FleetUnderTest, broker: Kafka | undefined): Record<Role, number[]> {
  return {
    controlPlane: [fleet.controlPlane.process.pid],
    relay: fleet.relays.map(({ process }) => process.pid),
    broker: broker ? broker.pids() : [],
    hosts: [fleet.emulator.pid],
  };
}

async function askRepeatedly(ask: Asker["overMcp"], calls: number): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (let call = 0; call < calls; call++) asked.push(await ask("all"));
  return asked;
}
