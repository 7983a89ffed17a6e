// The state machine alone, led through everything that can happen, in any order.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allowance,
  firstStep,
  isOver,
  nextStep,
  type RolloutEvent,
} from "../../../services/fleet/rollout/next-step.js";
import type { RolloutRecord } from "../../../services/fleet/rollout/rollout-record.js";
import { HaltReason } from "../../../services/gen/systemsmanager/fleet/v1/rollout_pb.js";

function begin(
  waveCount: number,
  maxFailed: number,
  gate: "none" | "failed-services" = "failed-services",
): RolloutRecord {
  const size = 4;
  return firstStep({
    runId: "run",
    policy: {
      waveSizes: Array(waveCount).fill(size),
      pauseMs: 10,
      maxFailed,
      gate: { kind: gate },
      spreadBy: "",
      lifetimeMs: 1000,
    },
    waves: Array.from({ length: waveCount }, (_, wave) => [wave * size, (wave + 1) * size]),
    waveTimeoutMs: 100,
    expiresAtMs: 1000,
  });
}

const lead = (record: RolloutRecord, ...events: RolloutEvent[]) => events.reduce(nextStep, record);
const prepared: RolloutEvent = { type: "prepared" };
const sent: RolloutEvent = { type: "sent" };
const rested: RolloutEvent = { type: "rested" };
const answered = (...failing: number[]): RolloutEvent => ({ type: "answered", failing, atMs: 100 });
const checked = (failing: number[], unhealthy: number[] = []): RolloutEvent => ({
  type: "checked",
  failing,
  unhealthy,
});
const resume = (failing: number[], maxFailed?: number, haltCount = 0): RolloutEvent => ({
  type: "resumed",
  failing,
  resume: { haltCount, atMs: 7, confirmationMethod: "ELICITATION", ...(maxFailed === undefined ? {} : { maxFailed }) },
});
const resumed = resume([]);
const goodWave = [prepared, sent, answered(), rested, checked([])];

describe("a rollout", () => {
  test("goes through its steps", () => {
    const steps = [{ type: "asking", runId: "r1" } as const, ...goodWave].map((_, index, events) =>
      lead(begin(2, 0), ...events.slice(0, index + 1)),
    );
    expect(steps.map(({ step, wave }) => `${wave} ${step}`)).toEqual([
      "0 preparing",
      "0 sending",
      "0 waiting",
      "0 pausing",
      "0 checking",
      "1 preparing",
    ]);
    expect(steps[1]).toMatchObject({ beforeRunId: "r1", readRunId: "" });
    expect(steps[5]).toMatchObject({ beforeRunId: "", readRunId: "", pauseUntilMs: 0 });
  });

  test("halted by the control plane takes the same step again, with a read of its own", () => {
    const checking = lead(begin(2, 0), prepared, sent, answered(), rested, { type: "asking", runId: "r2" });
    const halted = lead(checking, { type: "broken", problem: "the bus is full" });
    expect(halted).toMatchObject({ step: "halted", halt: { reason: HaltReason.CONTROL_PLANE, step: "checking" } });
    expect(lead(halted, resumed)).toMatchObject({ step: "checking", wave: 0, readRunId: "" });
  });

  test("halted by answers is still checked when it is resumed", () => {
    const halted = lead(begin(2, 0), prepared, sent, answered(1));
    expect(halted).toMatchObject({ step: "halted", halt: { reason: HaltReason.CANARY_FAILED }, counted: [1] });
    const goesOn = lead(halted, resume([1], 3));
    expect(goesOn).toMatchObject({ step: "pausing", accepted: [1], counted: [], policy: { maxFailed: 3 } });
    expect(goesOn.halt).toBeUndefined();
  });

  test("is resumed from the halt that is meant, and from no later one", () => {
    const halted = lead(begin(3, 0), prepared, sent, answered(1));
    expect(halted.haltCount).toBe(1);
    expect(lead(halted, resume([1], undefined, 2))).toBe(halted);
    const goesOn = lead(halted, resume([1], undefined, 1));
    expect(goesOn.resumes).toEqual([{ haltCount: 1, atMs: 7, confirmationMethod: "ELICITATION" }]);
    const again = lead(goesOn, rested, checked([1], [2]));
    expect(again).toMatchObject({ step: "halted", haltCount: 2, counted: [2] });
    expect(lead(again, resume([1], undefined, 1))).toBe(again);
  });

  test("does not count a host twice that failed and is unhealthy", () => {
    const second = lead(begin(3, 1), ...goodWave, prepared, sent, answered(5), rested, checked([5], [5]));
    expect(second).toMatchObject({ wave: 2, step: "preparing", counted: [5] });
  });

  test("forgives a host that was silent and then did answer", () => {
    const halted = lead(begin(3, 1), ...goodWave, prepared, sent, answered(5, 6));
    expect(halted.step).toBe("halted");
    const goesOn = lead(halted, resume([5], 0), rested, checked([5]));
    expect(goesOn).toMatchObject({ wave: 2, step: "preparing", accepted: [5], counted: [] });
  });
});

const hostIndex = fc.integer({ min: 0, max: 11 });
const someHosts = fc.uniqueArray(hostIndex, { maxLength: 4 }).map((hosts) => hosts.sort((a, b) => a - b));
const anyEvent: fc.Arbitrary<RolloutEvent> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(prepared, sent, rested) },
  { weight: 2, arbitrary: someHosts.map((failing): RolloutEvent => ({ type: "answered", failing, atMs: 1 })) },
  {
    weight: 2,
    arbitrary: fc.tuple(someHosts, someHosts).map(([failing, unhealthy]) => checked(failing, unhealthy)),
  },
  fc.constant<RolloutEvent>({ type: "asking", runId: "r" }),
  fc.constant<RolloutEvent>({ type: "broken", problem: "p" }),
  fc
    .tuple(someHosts, fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }))
    .map(([failing, maxFailed]) => resume(failing, maxFailed)),
  { weight: 1, arbitrary: fc.constant<RolloutEvent>({ type: "aborted", reason: HaltReason.CANCELLED }) },
);

test("whatever happens, no wave begins before the one before it was judged within the budget, or accepted by a resume", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 80 }), fc.integer({ min: 0, max: 3 }), (events, maxFailed) => {
      let record = begin(3, maxFailed);
      for (const event of events) {
        const next = nextStep(record, event);
        expect(next.wave - record.wave).toBeOneOf([0, 1]);
        if (next.wave > record.wave) {
          const judged = event.type === "checked" && record.step === "checking";
          const accepted = event.type === "resumed" && record.step === "halted" && record.halt?.next === "next wave";
          expect(judged || accepted).toBe(true);
          if (judged) expect(next.counted.length).toBeLessThanOrEqual(allowance(record));
        }
        if (next.step === "sending" && record.step !== "sending") expect(event.type).toBeOneOf(["prepared", "resumed"]);
        if (record.step === "halted" && next.step !== "halted") expect(event.type).toBeOneOf(["resumed", "aborted"]);
        if (isOver(record)) expect(next).toBe(record);
        if (next.step === "finished") expect(next.wave).toBe(2);
        record = next;
      }
    }),
    { numRuns: 500 },
  );
});

test("whatever fails, a budget is never exceeded unnoticed", () => {
  const failuresOfWaves = fc.array(fc.tuple(someHosts, someHosts), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(failuresOfWaves, fc.integer({ min: 0, max: 4 }), (failures, maxFailed) => {
      let record = begin(3, maxFailed);
      for (const [wave, [failing, unhealthy]] of failures.entries()) {
        if (record.step === "halted") break;
        record = lead(record, prepared, sent, answered(...failing), rested, checked(failing, unhealthy));
        const present = new Set([...failing, ...record.unhealthy]).size;
        const isExceeded = present > (wave === 0 ? 0 : maxFailed);
        expect(record.halt !== undefined).toBe(isExceeded);
        expect(record.counted).toHaveLength(present);
      }
    }),
  );
});
