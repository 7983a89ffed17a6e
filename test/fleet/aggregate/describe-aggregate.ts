// An aggregate as the text of its whole summary, to compare two.
import { create, toJsonString } from "@bufbuild/protobuf";
import type { Aggregate } from "../../../services/fleet/aggregate/aggregate.js";
import { summarizeAggregate } from "../../../services/fleet/summarize/summarize-run.js";
import { AccountingSchema } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { type Summary, SummarySchema } from "../../../services/gen/systemsmanager/fleet/v1/summary_pb.js";
import { operationOf } from "../summarize/answers.js";

/** The summary of an aggregate, as of a run in which all its hosts answered. */
export function summaryOf(aggregate: Aggregate, tokenBudget = 0): Summary {
  const ok = aggregate.sources.reduce((sum, { count }) => sum + count, 0);
  const input = {
    operation: operationOf("GetSystemSnapshot"),
    runId: "",
    revision: 1,
    accounting: create(AccountingSchema, { targeted: ok, ok }),
    failures: [],
    handles: [],
    tokenBudget,
  };
  return summarizeAggregate(input, { aggregate, distinct: 1, undecodable: 0 });
}

/** All of the summary. */
export function describeAggregate(aggregate: Aggregate): string {
  return toJsonString(SummarySchema, summaryOf(aggregate, 8_000), { prettySpaces: 1 });
}
