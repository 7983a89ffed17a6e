// systems-manager ask OPERATION --on SELECTOR [FIELD=VALUE ...]: one read on many hosts.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import { operations } from "../shared/operations.js";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";
import { exitCodeOf, followRun, printSummary } from "./follow-run.js";
import { encodeRequest, operationByVerb, operationVerb } from "./operation-arguments.js";
import { parseSeconds } from "./option-values.js";

interface AskOptions extends ClientOptions {
  readonly on: string;
  readonly timeout?: number;
  readonly deliveryTimeout?: number;
  readonly tokens: string;
}

const reads = [...operations.values()].filter((operation) => !operation.mutates).map(operationVerb);

export const ask = addClientOptions(new Command("ask"))
  .argument("<operation>", `one of ${reads.join(", ")}`)
  .argument("[field=value...]", "fields of the operation's request")
  .requiredOption("--on <selector>", 'hosts: all, names ("web-1,web-2") or CEL ("labels.role == \'web\'")')
  .option("--timeout <seconds>", "stop waiting after so long", parseSeconds)
  .option("--delivery-timeout <seconds>", "send it to hosts that are away when they come back within", parseSeconds)
  .option("--tokens <count>", "most tokens of the summary", "2000")
  .action(async (verb: string, fields: string[], options: AskOptions) => {
    const operation = operationByVerb(verb);
    const responses = clientOf(options).run({
      selector: options.on,
      method: operation.name,
      request: encodeRequest(operation.method.input, fields),
      tokenBudget: Number(options.tokens),
      ...(options.timeout === undefined ? {} : { timeout: durationFromMs(options.timeout) }),
      ...(options.deliveryTimeout === undefined ? {} : { deliveryTimeout: durationFromMs(options.deliveryTimeout) }),
    });
    const finished = await followRun(responses);
    printSummary(finished.summary, options.json);
    process.exitCode = exitCodeOf(finished.run?.accounting);
  });
