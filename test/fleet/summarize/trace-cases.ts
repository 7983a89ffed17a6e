// Answers of five hosts about traces, as they look.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { CapabilityState } from "../../../services/gen/systemsmanager/telemetry/v1/tracing_capability_pb.js";
import { TraceDetail, TraceState } from "../../../services/gen/systemsmanager/trace/v1/reading_pb.js";
import type { Answers } from "./answers.js";

const hosts = ["web-1", "web-2", "web-3", "db-1", "db-2"];

function onEach(answer: (host: string, index: number) => Record<string, unknown>): Answers {
  return Object.fromEntries(hosts.map((host, index) => [host, answer(host, index)]));
}

// One host has a process that writes where the others only read.
function readingOf(host: string, index: number, state: TraceState) {
  const delivered = BigInt(3 + index);
  return {
    reading: {
      state,
      elapsed: durationFromMs(30_000),
      detail: host === "db-2" ? TraceDetail.SAMPLED : TraceDetail.FULL,
      backend: "bpf",
      accounts: [{ name: "fileOpen", attempted: delivered + 100n, filtered: 100n, delivered }],
      events: [
        { line: `nginx[${70 + index}] open /etc/nginx/mime.types = ${5 + index}` },
        ...(host === "db-1" ? [{ line: "cron[812] open /etc/shadow = EACCES" }] : []),
      ],
      notes: ["events of the daemon itself are not told"],
    },
  };
}

export const traceCases: Record<string, Answers> = {
  GetTracingCapabilities: onEach((host) => ({
    kernelRelease: host === "db-2" ? "5.10.0-8" : "6.1.0-13",
    hasBtf: host !== "db-2",
    lockdown: "none",
    privileges: ["CAP_SYS_ADMIN", "CAP_BPF"],
    capabilities: [
      host === "db-2"
        ? {
            name: "exec",
            state: CapabilityState.UNAVAILABLE,
            refused: [{ hook: "tp_btf/sched_process_exec", reason: "no BTF" }],
          }
        : { name: "exec", state: CapabilityState.FULL, hook: "tp_btf/sched_process_exec" },
    ],
  })),
  StartTraceSession: onEach((host) => ({
    sessionId: "trace-1",
    backend: "bpf",
    notes: host === "db-2" ? ["its kernel tells less"] : [],
  })),
  ReadTraceSession: onEach((host, index) => readingOf(host, index, TraceState.RUNNING)),
  StopTraceSession: onEach((host, index) => readingOf(host, index, TraceState.STOPPED)),
};
