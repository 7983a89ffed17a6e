// How often something happens, and by whom or of what: counted in the kernel.
import type { CountQuestion, TraceFilter } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import type { Investigation } from "../../trace/investigation.js";
import type { AggregationAddon } from "../aggregate/native-aggregation.js";
import { investigateAggregation } from "./investigate-aggregation.js";

const defaultLimit = 100;

/** Rejects with INVALID_ARGUMENT for what cannot be told apart so. */
export function investigateCounts(
  addon: Partial<AggregationAddon>,
  { source, by, limit }: CountQuestion,
  filter: TraceFilter | undefined,
): Promise<Investigation> {
  return investigateAggregation(addon, { source, by, measure: "count", limit: limit || defaultLimit }, filter);
}
