// What this host can trace, as its kernel lets it.
import { release } from "node:os";
import { expect, test } from "vitest";
import { CapabilityState } from "../../../../services/gen/systemsmanager/telemetry/v1/tracing_capability_pb.js";
import { eventKinds } from "../../../../services/providers/linux/capture/event-layout.js";
import { createGetTracingCapabilities } from "../../../../services/providers/linux/trace-capability/get-tracing-capabilities.js";
import { ErrorReason, failure } from "../../../../services/shared/errors.js";
import { getTracingCapabilities, useProvider } from "./provider-under-test.js";

const call = useProvider();

test("every kind of event and the profile are tried, each with its hook; a weaker one says what it cannot tell", async () => {
  const report = await call(getTracingCapabilities, {});
  expect(report).toMatchObject({ kernelRelease: release(), hasBtf: true });
  expect(report.privileges.includes("CAP_BPF")).toBe(process.getuid?.() === 0);
  expect(report.capabilities.map(({ name }) => name)).toEqual([...Object.keys(eventKinds), "profile"]);
  for (const { state, hook, weakness } of report.capabilities) {
    expect(hook).toMatch(/^(tp_btf|cgroup_skb|perf_event)\//);
    expect(state).toBe(weakness === "" ? CapabilityState.FULL : CapabilityState.WEAKER);
  }
});

test("where the kernel refuses one kind, that one says why and what to do, and the others are tried without it", async () => {
  const asked: number[] = [];
  const report = await createGetTracingCapabilities(async ({ question }) => {
    const kinds = question.case === "events" ? question.value.kinds : [];
    asked.push(kinds.length);
    if (kinds.includes(eventKinds.signal as never)) {
      throw failure(ErrorReason.UNSUPPORTED, "no such tracepoint", { remedy: "use a newer kernel" });
    }
    return { close: async () => ({}) } as never;
  })();
  const refused = report.capabilities?.filter(({ state }) => state === CapabilityState.UNAVAILABLE);
  expect(refused).toMatchObject([
    {
      name: "signal",
      refused: [{ hook: "tp_btf/signal_generate", reason: expect.stringContaining("no such tracepoint") }],
      remedy: "use a newer kernel",
    },
  ]);
  expect(asked).toHaveLength(2 + Object.keys(eventKinds).length);
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
