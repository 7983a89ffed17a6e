// systems-manager forget SELECTOR: takes hosts that are gone for good out of the inventory.
import { toJsonString } from "@bufbuild/protobuf";
import { Command } from "commander";
import { ForgetHostsResponseSchema } from "../gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";

export const forget = addClientOptions(new Command("forget"))
  .argument("<selector>", "hosts, as for ask; those that are online are kept")
  .action(async (selector: string, options: ClientOptions) => {
    const response = await clientOf(options).forgetHosts({ selector });
    if (options.json) return console.log(toJsonString(ForgetHostsResponseSchema, response));
    for (const name of response.forgotten) console.log(`${name}  forgotten`);
    if (response.keptCount > 0) console.log(`${response.keptCount} online, kept`);
  });
