import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { encodeRequest, operationByVerb, operationVerb } from "../../services/cli/operation-arguments.js";
import { LogPriority, QueryLogsRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/log_pb.js";
import { ActiveState, ListServicesRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { operations } from "../../services/shared/operations.js";

test("every operation has a verb of its own that leads back to it", () => {
  const verbs = [...operations.values()].map(operationVerb);
  expect(new Set(verbs).size).toBe(operations.size);
  for (const operation of operations.values()) expect(operationByVerb(operationVerb(operation))).toBe(operation);
});

test("an unknown operation is refused with the nearest verbs", () => {
  expect(() => operationByVerb("list-servces")).toThrow(
    /no operation is named "list-servces"; use one of list-services/,
  );
});

describe("requests from field=value pairs", () => {
  test("scalars and enums", () => {
    const bytes = encodeRequest(QueryLogsRequestSchema, [
      "unit=nginx",
      "max_priority=error",
      "limit=7",
      "pattern=a=b,c",
    ]);
    const request = fromBinary(QueryLogsRequestSchema, bytes);
    expect(request).toMatchObject({ unit: "nginx", maxPriority: LogPriority.ERROR, limit: 7, pattern: "a=b,c" });
  });

  test("lists, and names in either case", () => {
    const bytes = encodeRequest(ListServicesRequestSchema, ["names=nginx,cron", "activeStates=failed,active"]);
    const request = fromBinary(ListServicesRequestSchema, bytes);
    expect(request.names).toEqual(["nginx", "cron"]);
    expect(request.activeStates).toEqual([ActiveState.FAILED, ActiveState.ACTIVE]);
  });

  test.each([
    ["an unknown field with the nearest ones", "unti=nginx", /no field "unti"; use one of until, unit, boot/],
    ["an unknown enum value", "max_priority=loud", /max_priority cannot be "loud"; use one of emergency, alert/],
    ["a number that is none", "limit=many", /limit.*many/],
    ["a word without a value", "unit", /"unit" is not NAME=VALUE/],
  ])("%s is refused", (_case, pair, message) => {
    expect(() => encodeRequest(QueryLogsRequestSchema, [pair])).toThrow(message);
  });
});
