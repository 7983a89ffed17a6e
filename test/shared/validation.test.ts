import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { QueryLogsRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/log_pb.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { validate, validateRequests } from "../../services/shared/validation.js";

test.each<[string, MessageInitShape<typeof QueryLogsRequestSchema>, RegExp]>([
  ["a unit name with a slash", { unit: "../etc" }, /unit: .*pattern/],
  ["a limit beyond the greatest", { limit: 10_001 }, /limit: .*10000/],
  ["a boot that is yet to come", { boot: 1 }, /boot: .*0/],
  ["a pattern that does not parse", { pattern: "(" }, /pattern: "\(" is no RE2 pattern: .*use RE2 syntax/],
  ["a pattern with a lookaround", { pattern: "(?=x)" }, /no RE2 pattern/],
])("%s is refused by field and value", (_case, fields, message) => {
  const request = create(QueryLogsRequestSchema, fields);
  expect(() => validate(QueryLogsRequestSchema, request)).toThrow(message);
});

test("the request of a server stream is validated before its handler sees it", async () => {
  let handled = 0;
  const transport = createRouterTransport(
    ({ service }) =>
      service(FleetService, {
        // biome-ignore lint/correctness/useYield: what matters is whether it is called at all
        async *run() {
          handled++;
        },
      }),
    { router: { interceptors: [validateRequests] } },
  );
  const events = createClient(FleetService, transport).run({ selector: "" });
  const error = await events[Symbol.asyncIterator]()
    .next()
    .catch((cause: unknown) => cause);
  expect(errorDetailOf(error).reason).toBe(ErrorReason.INVALID_ARGUMENT);
  expect(handled).toBe(0);
});
