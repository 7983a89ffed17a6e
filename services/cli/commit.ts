// systems-manager commit HASH: carries out a plan. Naming the hash at a terminal is the human's confirmation.
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import { ConfirmationMethod } from "../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";
import { exitCodeOf, followRun, printSummary } from "./follow-run.js";

export const commit = addClientOptions(new Command("commit"))
  .description("carry out a plan on exactly its hosts, once")
  .argument("<plan-hash>", "the hash that `change` printed")
  .action(async (planHash: string, options: ClientOptions) => {
    const confirmation = { method: ConfirmationMethod.COMMAND_LINE, confirmedAt: timestampNow() };
    const responses = clientOf(options).commitChange({ planHash, confirmation });
    const finished = await followRun(responses);
    printSummary(finished.summary, options.json);
    process.exitCode = exitCodeOf(finished.run?.accounting);
  });
