// How long something takes, as histograms: measured in the kernel.
import type { LatencyQuestion, TraceFilter } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import type { Investigation } from "../../trace/investigation.js";
import type { AggregationAddon } from "../aggregate/native-aggregation.js";
import { investigateAggregation } from "./investigate-aggregation.js";

const defaultLimit = 20;

/** Rejects with INVALID_ARGUMENT for what has no latency, or cannot be told apart so. */
export function investigateLatency(
  addon: Partial<AggregationAddon>,
  { source, by, limit }: LatencyQuestion,
  filter: TraceFilter | undefined,
): Promise<Investigation> {
  return investigateAggregation(addon, { source, by, measure: "latency", limit: limit || defaultLimit }, filter);
}
