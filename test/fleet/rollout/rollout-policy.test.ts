import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveMaxFailed, resolvePolicy, sizeWaves } from "../../../services/fleet/rollout/rollout-policy.js";
import { splitWaves } from "../../../services/fleet/rollout/split-waves.js";
import { indexesOf } from "../../../services/fleet/run/spans.js";
import { RolloutSchema, WaveSizeSchema } from "../../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";
import { RemovePackagesRequestSchema } from "../../../services/gen/systemsmanager/mutation/v1/package_pb.js";
import { ListServicesRequestSchema } from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { hosts, percent } from "./fleet-in-waves.js";

const policyOf = (asked: MessageInitShape<typeof RolloutSchema> | undefined, count: number) =>
  resolvePolicy(asked && create(RolloutSchema, asked), count);

describe("a policy", () => {
  test.each([
    { count: 1, sizes: undefined },
    { count: 9, sizes: undefined },
    { count: 10, sizes: [1, 1, 3, 3, 2] },
    { count: 100, sizes: [1, 10, 25, 25, 25, 14] },
    { count: 10_000, sizes: [1, 1000, 2500, 2500, 2500, 1499] },
  ])("that nobody gave for $count hosts has waves of $sizes", ({ count, sizes }) => {
    expect(policyOf(undefined, count)?.waveSizes).toEqual(sizes);
  });

  test.each([
    { asked: {}, count: 3, sizes: [1, 1, 1] },
    { asked: { canary: hosts(2), batches: [hosts(3)] }, count: 10, sizes: [2, 3, 3, 2] },
    { asked: { canary: percent(1), batches: [percent(7)] }, count: 100, sizes: [1, ...Array(14).fill(7), 1] },
    { asked: { canary: percent(0.1), batches: [percent(50)] }, count: 10, sizes: [1, 5, 4] },
    { asked: { canary: hosts(50) }, count: 10, sizes: [10] },
    { asked: { canary: hosts(0), batches: [hosts(0)] }, count: 3, sizes: [1, 1, 1] },
    { asked: { allAtOnce: true }, count: 100, sizes: undefined },
  ])("of $asked for $count hosts has waves of $sizes", ({ asked, count, sizes }) => {
    expect(policyOf(asked, count)?.waveSizes).toEqual(sizes);
  });

  test.each([
    { asked: undefined, count: 49, budget: 0 },
    { asked: undefined, count: 50, budget: 1 },
    { asked: undefined, count: 10_000, budget: 200 },
    { asked: percent(7), count: 100, budget: 7 },
    { asked: percent(99.9), count: 10, budget: 9 },
    { asked: hosts(0), count: 1000, budget: 0 },
    { asked: hosts(5), count: 3, budget: 3 },
  ])("with an error budget of $asked lets $budget of $count hosts fail", ({ asked, count, budget }) => {
    expect(resolveMaxFailed(asked && create(WaveSizeSchema, asked), count)).toBe(budget);
  });

  test("has its defaults", () => {
    expect(policyOf({}, 100)).toMatchObject({
      pauseMs: 5_000,
      maxFailed: 2,
      gate: { kind: "failed-services" },
      spreadBy: "",
      lifetimeMs: 86_400_000,
    });
  });

  const read = (method: string, request: Uint8Array) =>
    policyOf({ healthCheck: { check: { case: "read", value: { method, request } } } }, 100);

  test("takes a read as its health check", () => {
    const method = "systemsmanager.telemetry.v1.TelemetryService/ListServices";
    const request = toBinary(ListServicesRequestSchema, create(ListServicesRequestSchema, { names: ["nginx"] }));
    expect(read(method, request)?.gate).toEqual({ kind: "read", method, request });
  });

  test.each([
    { what: "an operation that is none", method: "x.Y/Z", reason: "UNKNOWN_OPERATION" },
    {
      what: "a change",
      method: "systemsmanager.mutation.v1.MutationService/RemovePackages",
      reason: "INVALID_ARGUMENT",
    },
  ])("refuses $what as its health check", ({ method, reason }) => {
    const request = toBinary(RemovePackagesRequestSchema, create(RemovePackagesRequestSchema, { packages: ["nginx"] }));
    let refused: unknown;
    try {
      read(method, request);
    } catch (error) {
      refused = error;
    }
    expect(ErrorReason[errorDetailOf(refused).reason]).toBe(reason);
  });
});

describe("waves", () => {
  const targetsOf = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ hostId: String(index).padStart(32, "0"), name: `host-${index}` }));

  test("hold every host exactly once, none is empty, and the same input gives the same waves", () => {
    const input = fc.record({
      count: fc.integer({ min: 1, max: 400 }),
      canary: fc.integer({ min: 0, max: 500 }),
      batches: fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 5 }),
      labels: fc.option(fc.array(fc.constantFrom("a", "b", "c", ""), { minLength: 400, maxLength: 400 })),
    });
    fc.assert(
      fc.property(input, ({ count, canary, batches, labels }) => {
        const targets = targetsOf(count);
        const sizes = sizeWaves(count, canary, batches);
        const labelOf = labels ? ({ hostId }: { hostId: string }) => labels[Number(hostId)] ?? "" : undefined;
        const waves = splitWaves(targets, sizes, labelOf);
        const members = waves.map(indexesOf);
        expect(members.map((wave) => wave.length)).toEqual(sizes);
        expect(Math.min(...sizes)).toBeGreaterThan(0);
        expect(members.flat().sort((a, b) => a - b)).toEqual([...targets.keys()]);
        expect(splitWaves(targets, sizes, labelOf)).toEqual(waves);
      }),
    );
  });

  test("have the values of a spread label in their proportions", () => {
    const targets = targetsOf(90);
    const zoneOf = ({ hostId }: { hostId: string }) => (Number(hostId) < 60 ? "big" : "small");
    const waves = splitWaves(targets, [3, 9, 78], zoneOf).map((spans) =>
      indexesOf(spans).map((index) => zoneOf(targets[index] as never)),
    );
    const small = waves.map((wave) => wave.filter((zone) => zone === "small").length);
    expect(small).toEqual([1, 3, 26]);
    expect(waves[0]).toContain("big");
  });
});
