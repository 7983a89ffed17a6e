// Of the gateway and of every gRPC server: what was called, how it ended, how long it took.
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { CallObserver } from "../gateway/observe-call.js";
import { observeRpcs } from "../shared/observe-rpc.js";
import type { MetricRegistry } from "./metric-registry.js";

/** Counts and times tool calls. The outcome is "ok", "asked" (a person is to confirm first) or the reason of the failure. */
export function observeToolCalls(registry: MetricRegistry): CallObserver {
  const calls = registry.counter("systems_manager_gateway_tool_calls_total", "Tool calls that ended, by outcome.", [
    "tool",
    "outcome",
  ]);
  const durations = registry.histogram(
    "systems_manager_gateway_tool_call_duration_seconds",
    "Time from a tool call to its result.",
    ["tool"],
  );
  return (tool) => {
    const stop = durations.startTimer({ tool });
    return (outcome) => {
      stop();
      calls.inc({ tool, outcome });
    };
  };
}

/** Counts and times rpcs, in process and over the network alike. The code is gRPC's: "ok", "unavailable". */
export function observeRpcCalls(registry: MetricRegistry): Interceptor {
  const labels = ["service", "method"] as const;
  const calls = registry.counter("systems_manager_rpcs_total", "Rpcs that ended, by status code.", [...labels, "code"]);
  const durations = registry.histogram(
    "systems_manager_rpc_duration_seconds",
    "Time from an rpc's request to its last response.",
    labels,
  );
  return observeRpcs(({ service, method }) => {
    const names = { service: service.typeName, method: method.name };
    const stop = durations.startTimer(names);
    return (error) => {
      stop();
      calls.inc({ ...names, code: codeName(error) });
    };
  });
}

function codeName(error: unknown): string {
  if (error === undefined) return "ok";
  return (Code[ConnectError.from(error).code] ?? "unknown").replace(/(?<!^)([A-Z])/g, "_$1").toLowerCase();
}
