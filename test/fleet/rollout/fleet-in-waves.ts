// A control plane with simulated hosts whose services can fail, and what a test of rollouts asks of it.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { expect } from "vitest";
import { ReplyOutcome } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ConfirmationMethod } from "../../../services/gen/systemsmanager/fleet/v1/change_pb.js";
import type { RolloutSchema } from "../../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";
import type { Accounting, Run } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { ChangeKind } from "../../../services/gen/systemsmanager/mutation/v1/change_pb.js";
import {
  ManageServiceRequestSchema,
  ManageServiceResponseSchema,
  ServiceAction,
} from "../../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import {
  ActiveState,
  ListServicesRequestSchema,
  ListServicesResponseSchema,
} from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { ErrorReason } from "../../../services/shared/errors.js";
import { decodeManageService } from "../plan/decode-manage-service.js";
import { type Collected, collect } from "../run/collect.js";
import { type FleetUnderTest, startFleet } from "../run/fleet-under-test.js";
import { type Behaviour, ok, type SimulatedCall } from "../run/simulated-hosts.js";

export const method = "systemsmanager.mutation.v1.MutationService/ManageService";

/** How the change goes over its hosts. */
export type Policy = MessageInitShape<typeof RolloutSchema>;

/** What the change does to a host. */
export type Effect = "done" | "fails" | "silent" | "breaks a service" | "crash loop" | "cannot list";

export interface FleetInWaves extends FleetUnderTest {
  /** Names of the hosts that were sent the change itself, in order; a host twice if it was sent it twice. */
  readonly changed: string[];
  /** What becomes of a host when it gets the change; "done" where nothing is said. */
  readonly effects: Map<string, Effect>;
  /** Services of a host that are failed, by its name. */
  readonly failed: Map<string, string[]>;
  /** Hosts that answer that they cannot list services. */
  readonly cannotList: Set<string>;
  /** Names in the order of the waves. */
  readonly order: readonly string[];
  /** Called when a host gets the change, and when it is asked for its services. */
  gate: (name: string, what: "change" | "list") => void;
  plan(): Promise<string>;
  commit(rollout?: Policy): Promise<Collected>;
  resume(runId: string, maxFailed?: number, haltCount?: number): Promise<Collected>;
  /** A run now. */
  look(runId: string): Promise<{ run: Run; text: string; accounting: Accounting }>;
}

/** A policy without pauses. */
export function waves(policy: Policy = {}): Policy {
  return { pause: { seconds: 0n }, ...policy } as Policy;
}

export function hosts(count: number): { size: { case: "hosts"; value: number } } {
  return { size: { case: "hosts", value: count } };
}

export function percent(value: number): { size: { case: "percent"; value: number } } {
  return { size: { case: "percent", value } };
}

/** Hosts web-0 to web-<count - 1>, with the label zone a, b or c in turn. */
export async function startFleetInWaves(count: number, timeoutSeconds = 5): Promise<FleetInWaves> {
  const changed: string[] = [];
  const effects = new Map<string, Effect>();
  const failed = new Map<string, string[]>();
  const cannotList = new Set<string>();
  const order: string[] = [];
  const behave: Behaviour = async (call) => {
    if (call.invocation.method !== method) {
      inWaves.gate(call.name, "list");
      if (cannotList.has(call.name)) return fails(call, ErrorReason.SERVICE_MANAGER_MISSING);
      return listServices(call, failed.get(call.name) ?? []);
    }
    const { dryRun } = decodeManageService(call.invocation.request);
    if (dryRun) return changes(call, true);
    changed.push(call.name);
    inWaves.gate(call.name, "change");
    const effect = effects.get(call.name) ?? "done";
    if (effect === "silent") return;
    if (effect === "fails") return fails(call, ErrorReason.COMMAND_FAILED);
    if (effect === "cannot list") cannotList.add(call.name);
    else if (effect !== "done") failed.set(call.name, [effect === "crash loop" ? "loops.service" : "broken.service"]);
    return changes(call, false);
  };
  const fleet = await startFleet({ usual: behave });
  const timeout = { seconds: BigInt(timeoutSeconds) };
  const confirmation = () => ({ method: ConfirmationMethod.ELICITATION, confirmedAt: timestampNow() });
  const inWaves: FleetInWaves = {
    ...fleet,
    changed,
    effects,
    failed,
    cannotList,
    order,
    gate: () => {},
    async plan() {
      for await (const { event } of fleet.client.planChange({ selector: "all", method, request, timeout })) {
        if (event.case === "planned" && event.value.planHash !== "") return event.value.planHash;
      }
      throw new Error("no plan was made");
    },
    async commit(rollout) {
      const planHash = await inWaves.plan();
      const asked = rollout ? { rollout } : {};
      return collect(fleet.client.commitChange({ planHash, confirmation: confirmation(), timeout, ...asked }));
    },
    resume: (runId, maxFailed, haltCount = 0) =>
      collect(
        fleet.client.resumeRollout({
          runId,
          confirmation: confirmation(),
          haltCount,
          ...(maxFailed === undefined ? {} : { maxFailed: hosts(maxFailed) }),
        }),
      ),
    async look(runId) {
      const { run, summary } = await fleet.client.getRun({ runId });
      if (!run?.accounting || !summary) throw new Error("the run has no accounting or no summary");
      expectIdentity(run.accounting);
      return { run, text: summary.text, accounting: run.accounting };
    },
  };
  const ids = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const name = `web-${index}`;
    ids.set(name, await fleet.hosts.attach(name, { labels: { zone: "abc"[index % 3] as string } }));
  }
  await fleet.attach(`web-${count - 1}`);
  order.push(...[...ids].sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([name]) => name));
  return inWaves;
}

/** One state for each host, at every moment. */
export function expectIdentity(accounting: Accounting): void {
  const { ok: done, failed, denied, expired, queued, cancelled, noAnswer, indeterminate, targeted } = accounting;
  expect(done + failed + denied + expired + queued + cancelled + noAnswer + indeterminate).toBe(targeted);
}

const request = toBinary(
  ManageServiceRequestSchema,
  create(ManageServiceRequestSchema, { name: "nginx.service", action: ServiceAction.RESTART }),
);

function changes(call: SimulatedCall, dryRun: boolean) {
  const change = { subject: "nginx.service", kind: ChangeKind.RESTART, from: "active", to: "active" };
  const response = create(ManageServiceResponseSchema, { changes: [change], dryRun });
  return call.reply(ok(toBinary(ManageServiceResponseSchema, response)));
}

function fails(call: SimulatedCall, reason: ErrorReason) {
  const error = { reason };
  return call.reply({ outcome: ReplyOutcome.FAILED, message: "the unit did not start", error });
}

function listServices(call: SimulatedCall, failed: readonly string[]) {
  const { activeStates } = fromBinary(ListServicesRequestSchema, call.invocation.request);
  expect(activeStates).toEqual([ActiveState.FAILED, ActiveState.ACTIVATING]);
  const services = failed.map((name) =>
    name === "loops.service"
      ? { name, activeState: ActiveState.ACTIVATING, subState: "auto-restart", restartCount: 7 }
      : { name, activeState: ActiveState.FAILED, subState: "failed" },
  );
  return call.reply(ok(toBinary(ListServicesResponseSchema, create(ListServicesResponseSchema, { services }))));
}
