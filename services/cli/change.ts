// systems-manager change OPERATION --on SELECTOR [FIELD=VALUE ...]: plans a change; `commit` carries it out.
import { toJsonString } from "@bufbuild/protobuf";
import { Command } from "commander";
import { type Plan, PlanSchema } from "../gen/systemsmanager/fleet/v1/run_pb.js";
import { operations } from "../shared/operations.js";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";
import { commandName } from "./command-name.js";
import { followPlan, printSummary } from "./follow-run.js";
import { encodeRequest, operationByVerb, operationVerb } from "./operation-arguments.js";

interface ChangeOptions extends ClientOptions {
  readonly on: string;
}

const mutations = [...operations.values()].filter((operation) => operation.mutates).map(operationVerb);

export const change = addClientOptions(new Command("change"))
  .argument("<operation>", `one of ${mutations.join(", ")}`)
  .argument("[field=value...]", "fields of the operation's request")
  .requiredOption("--on <selector>", "hosts, as for ask")
  .action(async (verb: string, fields: string[], options: ChangeOptions) => {
    const operation = operationByVerb(verb);
    const responses = clientOf(options).planChange({
      selector: options.on,
      method: operation.name,
      request: encodeRequest(operation.method.input, fields),
    });
    const plan = await followPlan(responses);
    if (options.json) console.log(toJsonString(PlanSchema, plan));
    else printPlan(plan);
  });

function printPlan(plan: Plan): void {
  printSummary(plan.summary, false);
  if (plan.hosts.length === 0) console.log("\nNothing to commit: the dry run succeeded on no host.");
  else console.log(`\nTo carry it out on ${plan.hosts.length} hosts:\n  ${commandName()} commit ${plan.planHash}`);
}
