// What tests of runs do again and again: ask all hosts, and look why a call failed.
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { ListServicesRequestSchema } from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { type FleetUnderTest, listServices } from "./fleet-under-test.js";

/** Lists services on hosts, for at most so long; with `deliverSeconds` waiting that long for hosts that are away. */
export function ask({ client }: FleetUnderTest, selector = "all", seconds = 5, deliverSeconds = 0) {
  const timeout = durationFromMs(seconds * 1000);
  const delivery = deliverSeconds === 0 ? {} : { deliveryTimeout: durationFromMs(deliverSeconds * 1000) };
  return client.run({ selector, method: listServices, timeout, ...delivery });
}

/** The reason that the promise was rejected with; undefined when it was not. */
export async function reasonOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => undefined,
    (cause) => cause,
  );
  return error === undefined ? undefined : ErrorReason[errorDetailOf(error).reason];
}

/** An encoded request with this limit. */
export function limit(value: number): Uint8Array {
  return toBinary(ListServicesRequestSchema, create(ListServicesRequestSchema, { limit: value }));
}
