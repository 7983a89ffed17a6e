// Plans and commits of one operation, ManageService, and hosts that carry it out.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { ReplyOutcome } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ConfirmationMethod } from "../../../services/gen/systemsmanager/fleet/v1/change_pb.js";
import type { Plan } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { ChangeKind } from "../../../services/gen/systemsmanager/mutation/v1/change_pb.js";
import {
  ManageServiceRequestSchema,
  ManageServiceResponseSchema,
  ServiceAction,
} from "../../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { collect } from "../run/collect.js";
import type { FleetClient } from "../run/fleet-under-test.js";
import { type Behaviour, ok } from "../run/simulated-hosts.js";
import { decodeManageService } from "./decode-manage-service.js";

export const method = "systemsmanager.mutation.v1.MutationService/ManageService";

/** Restarts nginx, where it runs: hosts named "idle…" have nothing to change. */
export const manages: Behaviour = (call) => {
  const { dryRun } = decodeManageService(call.invocation.request);
  const change = { subject: "nginx.service", kind: ChangeKind.RESTART, from: "active", to: "active" };
  const changes = call.name.startsWith("idle") ? [] : [change];
  const response = create(ManageServiceResponseSchema, { changes, dryRun });
  return call.reply(ok(toBinary(ManageServiceResponseSchema, response)));
};

export const fails: Behaviour = (call) =>
  call.reply({ outcome: ReplyOutcome.FAILED, message: "no such unit", error: { reason: ErrorReason.UNKNOWN_UNIT } });

export function request(init: MessageInitShape<typeof ManageServiceRequestSchema> = {}): Uint8Array {
  const full = { name: "nginx.service", action: ServiceAction.RESTART, ...init };
  return toBinary(ManageServiceRequestSchema, create(ManageServiceRequestSchema, full));
}

export async function plan(client: FleetClient, selector = "all", bytes = request()): Promise<Plan> {
  let planned: Plan | undefined;
  for await (const { event } of client.planChange({ selector, method, request: bytes, timeout: { seconds: 5n } })) {
    if (event.case === "planned") planned = event.value;
  }
  if (!planned) throw new Error("no plan was made");
  return planned;
}

export function commit(client: FleetClient, planHash: string) {
  const confirmation = { method: ConfirmationMethod.ELICITATION, confirmedAt: timestampNow() };
  return collect(client.commitChange({ planHash, confirmation, timeout: { seconds: 5n } }));
}

export async function reasonOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => undefined,
    (cause) => cause,
  );
  return error === undefined ? undefined : ErrorReason[errorDetailOf(error).reason];
}
