// systems-manager runs [RUN] and cancel RUN: what ran, what runs, and how to end it.
import { toJsonString } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import { type Run, RunSchema } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";
import { printSummary } from "./follow-run.js";

export const runs = addClientOptions(new Command("runs"))
  .argument("[run]", "run id")
  .action(async (runId: string | undefined, options: ClientOptions) => {
    const client = clientOf(options);
    if (runId !== undefined) return printSummary((await client.getRun({ runId })).summary, options.json);
    for (const run of (await client.listRuns({})).runs) printRun(run, options.json);
  });

export const cancel = addClientOptions(new Command("cancel"))
  .argument("<run>", "run id")
  .action(async (runId: string, options: ClientOptions) => {
    const { run } = await clientOf(options).cancelRun({ runId });
    if (run) printRun(run, options.json);
  });

function printRun(run: Run, json: boolean): void {
  console.log(json ? toJsonString(RunSchema, run) : describe(run));
}

function describe(run: Run): string {
  const started = run.startedAt ? timestampDate(run.startedAt).toISOString() : "";
  const { ok = 0, targeted = 0 } = run.accounting ?? {};
  const operation = run.method.slice(run.method.lastIndexOf("/") + 1);
  return `${run.runId}  ${started}  ${operation}  on ${run.selector}  ${ok}/${targeted} ok`;
}
