// systems-manager hosts [SELECTOR]: who is in the fleet.
import { toJsonString } from "@bufbuild/protobuf";
import { Command } from "commander";
import {
  type FindHostsResponse,
  FindHostsResponseSchema,
  type FleetHost,
} from "../gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";

export const hosts = addClientOptions(new Command("hosts"))
  .argument("[selector]", "hosts, as for ask", "all")
  .action(async (selector: string, options: ClientOptions) => {
    const client = clientOf(options);
    let pageToken = "";
    do {
      const page = await client.findHosts({ selector, pageSize: 1000, pageToken });
      print(page, options.json);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  });

function print(page: FindHostsResponse, json: boolean): void {
  if (json) console.log(toJsonString(FindHostsResponseSchema, page));
  else for (const host of page.hosts) console.log(describe(host));
}

function describe({ facts, online }: FleetHost): string {
  const labels = Object.entries(facts?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const columns = [facts?.name, online ? "online" : "offline", `${facts?.distro} ${facts?.distroVersion}`, facts?.arch];
  return [...columns, ...labels].join("  ");
}
