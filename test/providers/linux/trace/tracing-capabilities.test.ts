// What this host can trace, as its kernel lets it.
import { release } from "node:os";
import { expect, test } from "vitest";
import { CapabilityState } from "../../../../services/gen/systemsmanager/telemetry/v1/tracing_capability_pb.js";
import { type EventKind, eventKinds } from "../../../../services/providers/linux/capture/event-layout.js";
import { isStraceKind } from "../../../../services/providers/linux/strace/strace-kinds.js";
import { createGetTracingCapabilities } from "../../../../services/providers/linux/trace-capability/get-tracing-capabilities.js";
import { ErrorReason, failure } from "../../../../services/shared/errors.js";
import { cannotTrace } from "../require-tracing.js";
import { getTracingCapabilities, useProvider } from "./provider-under-test.js";

const call = useProvider();

async function noStrace(): Promise<void> {
  throw failure(ErrorReason.PROGRAM_MISSING, "the host has no strace", { remedy: "install the package strace" });
}

test.skipIf(cannotTrace)(
  "every kind of event and the profile are tried, each with its hook; a weaker one says what it cannot tell",
  async () => {
    const report = await call(getTracingCapabilities, {});
    expect(report).toMatchObject({ kernelRelease: release(), hasBtf: true });
    expect(report.privileges.includes("CAP_BPF")).toBe(process.getuid?.() === 0);
    expect(report.capabilities.map(({ name }) => name)).toEqual([...Object.keys(eventKinds), "profile"]);
    for (const { state, hook, weakness } of report.capabilities) {
      expect(hook).toMatch(/^(tp_btf|cgroup_skb|perf_event)\//);
      expect(state).toBe(weakness === "" ? CapabilityState.FULL : CapabilityState.WEAKER);
    }
  },
);

test("where the kernel refuses one kind, that one says why and what to do, and the others are tried without it", async () => {
  const asked: number[] = [];
  const report = await createGetTracingCapabilities(async ({ question }) => {
    const kinds = question.case === "events" ? question.value.kinds : [];
    asked.push(kinds.length);
    if (kinds.includes(eventKinds.signal as never)) {
      throw failure(ErrorReason.UNSUPPORTED, "no such tracepoint", { remedy: "use a newer kernel" });
    }
    return { close: async () => ({}) } as never;
  }, noStrace)();
  const refused = report.capabilities?.filter(({ state }) => state === CapabilityState.UNAVAILABLE);
  expect(refused).toMatchObject([
    {
      name: "signal",
      refused: [
        { hook: "tp_btf/signal_generate", reason: "no such tracepoint" },
        { hook: "strace", reason: "the host has no strace" },
      ],
      remedy: "use a newer kernel; or install the package strace",
    },
  ]);
  expect(asked).toHaveLength(2 + Object.keys(eventKinds).length);
});

test("where the kernel refuses all, strace tells what it can, at its cost; the rest is not there", async () => {
  const report = await createGetTracingCapabilities(async () => {
    throw failure(ErrorReason.PRIVILEGE_MISSING, "not permitted", { remedy: "run as root" });
  })();
  for (const { name = "", state, hook, weakness, refused, remedy } of report.capabilities ?? []) {
    const isFallback = isStraceKind(name as EventKind);
    expect(state, name).toBe(isFallback ? CapabilityState.FALLBACK : CapabilityState.UNAVAILABLE);
    expect(hook, name).toBe(isFallback ? "strace" : undefined);
    if (isFallback) expect(weakness).toMatch(/only of given processes.* about \d+ times/);
    expect(refused, name).toEqual([{ hook: expect.stringMatching(/^\w+\//), reason: "not permitted" }]);
    expect(remedy, name).toBe("run as root");
  }
});

test("it is not tried again within a minute", async () => {
  let opened = 0;
  const get = createGetTracingCapabilities(async () => {
    opened++;
    return { close: async () => ({}) } as never;
  });
  await get();
  await get();
  expect(opened).toBe(2);
});
