// systems-manager open RUN-OR-HANDLE: the raw answers behind a summary.
import { toJsonString } from "@bufbuild/protobuf";
import { Command } from "commander";
import { OpenResultResponseSchema, type ResultItem } from "../gen/systemsmanager/fleet/v1/result_pb.js";
import { HostState } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";

interface OpenOptions extends ClientOptions {
  readonly host?: string;
  readonly pattern?: string;
  readonly byGroup?: boolean;
  readonly page?: string;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const open = addClientOptions(new Command("open"))
  .argument("<run-or-handle>", "run id, or a handle that a summary lists")
  .option("--host <name>", "only this host")
  .option("--pattern <re2>", "only rows and fields that match")
  .option("--by-group", "one item for each group of equal answers")
  .option("--page <token>", "continue where a former page ended")
  .action(async (target: string, options: OpenOptions) => {
    const page = await clientOf(options).openResult({
      target: uuid.test(target) ? { case: "runId", value: target } : { case: "handle", value: target },
      host: options.host ?? "",
      pattern: options.pattern ?? "",
      byGroup: options.byGroup ?? false,
      pageToken: options.page ?? "",
    });
    if (options.json) return console.log(toJsonString(OpenResultResponseSchema, page));
    for (const item of page.items) printItem(item);
    if (page.nextPageToken) console.log(`more: --page ${page.nextPageToken}`);
  });

function printItem(item: ResultItem): void {
  const more = item.omittedHostCount > 0 ? ` and ${item.omittedHostCount} more` : "";
  console.log(`${item.hosts.join(", ")}${more}: ${HostState[item.state]?.toLowerCase()}`);
  console.log(item.error ? `  ${item.error.message}` : `  ${item.answerJson}`);
}
