// --metrics, for every verb that runs as a service.
import type { Command } from "commander";
import type { Metrics } from "../metrics/metrics.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import type { Logger } from "../shared/log.js";
import type { Closer } from "./closer.js";
import { parseListenAddress } from "./option-values.js";

export interface MetricsOption {
  readonly metrics?: ListenAddress;
}

/** Adds the option to a verb. */
export function addMetricsOption(command: Command): Command {
  return command.option(
    "--metrics <address>",
    "serve Prometheus metrics at http://ADDRESS/metrics",
    parseListenAddress,
  );
}

/** Metrics that the closer ends; undefined without the option, and then nothing of Prometheus is loaded. */
export async function openMetrics(
  { metrics: address }: MetricsOption,
  closer: Closer,
  log: Logger,
): Promise<Metrics | undefined> {
  if (!address) return undefined;
  const { startMetrics } = await import("../metrics/metrics.js");
  return closer.add(await startMetrics(address, log));
}
