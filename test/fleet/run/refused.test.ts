import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { ManageServiceRequestSchema } from "../../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { ask, limit, reasonOf } from "./ask.js";
import { collect, readStarted } from "./collect.js";
import { type FleetUnderTest, listServices, silence, startFleet } from "./fleet-under-test.js";

const manageService = "systemsmanager.mutation.v1.MutationService/ManageService";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

describe("a run is refused before anything is sent", () => {
  test("a mutation that is no dry run: PLAN_REQUIRED names PlanChange", async () => {
    fleet = await startFleet();
    await fleet.attach("h");
    const request = toBinary(ManageServiceRequestSchema, create(ManageServiceRequestSchema, { name: "a", action: 1 }));
    const call = collect(fleet.client.run({ selector: "all", method: manageService, request }));
    await expect(call).rejects.toThrow(/PlanChange/);
    expect(await reasonOf(call)).toBe("PLAN_REQUIRED");
    expect(fleet.hosts.commands).toHaveLength(0);
  });

  test.each<[string, Parameters<FleetUnderTest["client"]["run"]>[0], string]>([
    ["a method that does not exist", { selector: "all", method: "x.Y/Z" }, "UNKNOWN_OPERATION"],
    [
      "bytes that are no request",
      { selector: "all", method: listServices, request: Buffer.from([255]) },
      "INVALID_ARGUMENT",
    ],
    [
      "a request against the schema's rules",
      { selector: "all", method: listServices, request: limit(99_999) },
      "INVALID_ARGUMENT",
    ],
    ["an empty selector", { selector: "", method: listServices }, "INVALID_ARGUMENT"],
    ["a blank selector", { selector: " ", method: listServices }, "INVALID_ARGUMENT"],
    ["an unknown host", { selector: "nobody", method: listServices }, "UNKNOWN_HOST"],
    [
      "a timeout of more than a day",
      { selector: "all", method: listServices, timeout: { seconds: 86401n } },
      "INVALID_ARGUMENT",
    ],
  ])("%s", async (_what, request, reason) => {
    fleet = await startFleet();
    await fleet.attach("h");
    expect(await reasonOf(collect(fleet.client.run(request)))).toBe(reason);
    expect(fleet.hosts.commands).toHaveLength(0);
  });

  test("one run too many: BUSY, and it is admitted when another one ended", async () => {
    fleet = await startFleet({ usual: silence, limits: { maxActiveRunsPerPrincipal: 2 } });
    await fleet.attach("h");
    const [first] = await Promise.all([readStarted(ask(fleet, "all", 30)), readStarted(ask(fleet, "all", 30))]);
    expect(await reasonOf(collect(ask(fleet)))).toBe("BUSY");
    await fleet.client.cancelRun({ runId: first.runId });
    await readStarted(ask(fleet, "all", 30));
  });
});
