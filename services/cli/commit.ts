// systems-manager commit HASH: carries out a plan, on many hosts in waves. Naming the hash at a terminal is the human's confirmation.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";
import { confirmedHere } from "./confirmed-here.js";
import { exitCodeOf, followRun, printSummary } from "./follow-run.js";
import { parseSeconds } from "./option-values.js";
import { addRolloutOptions, type RolloutOptions, rolloutOf } from "./rollout-options.js";

interface CommitOptions extends ClientOptions, RolloutOptions {
  readonly timeout?: number;
  readonly deliveryTimeout?: number;
}

export const commit = addClientOptions(addRolloutOptions(new Command("commit")))
  .argument("<plan-hash>", "the hash that `change` printed")
  .option("--timeout <seconds>", "stop waiting for the hosts of a wave after so long", parseSeconds)
  .option("--delivery-timeout <seconds>", "without waves: send it to hosts that are away within", parseSeconds)
  .action(async (planHash: string, options: CommitOptions) => {
    const rollout = rolloutOf(options);
    const responses = clientOf(options).commitChange({
      planHash,
      confirmation: confirmedHere(),
      ...(rollout ? { rollout } : {}),
      ...(options.timeout === undefined ? {} : { timeout: durationFromMs(options.timeout) }),
      ...(options.deliveryTimeout === undefined ? {} : { deliveryTimeout: durationFromMs(options.deliveryTimeout) }),
    });
    const finished = await followRun(responses);
    printSummary(finished.summary, options.json);
    process.exitCode = exitCodeOf(finished.run?.accounting);
  });
