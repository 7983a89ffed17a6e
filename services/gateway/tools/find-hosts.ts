import { FindHostsRequestSchema } from "../../gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import { FleetService } from "../../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { fetchFittingPage } from "../render/fit-tokens.js";
import { hostStructure, hostsOutputSchema, renderHosts } from "../render/render-hosts.js";
import { decodeArguments, refuseUnknown } from "../schema/decode-arguments.js";
import { annotationsOfRpc, inputSchema, shownFields, type Tool } from "../tool.js";

const shown = {
  selector: [
    '"all", names "web-1,web-2", or CEL over name, os, distro, distro_like, distro_version, kernel, arch,',
    "cpu_count, memory_bytes, capabilities, labels: \"distro == 'debian' && labels.role == 'web'\"",
  ].join(" "),
  page_size: "",
  page_token: "",
};
const defaultPageSize = 20;
const pageBudget = 4_000;
const fields = shownFields(FindHostsRequestSchema, shown);

/** FleetService/FindHosts. */
export const findHosts: Tool = {
  definition: {
    name: "find_hosts",
    title: "Find hosts",
    description: "Hosts a selector matches, with facts. Other tools take the same selector.",
    inputSchema: inputSchema({}, fields, shown),
    outputSchema: hostsOutputSchema,
    annotations: annotationsOfRpc(FleetService.method.findHosts),
  },
  async call(given, { fleet, context }) {
    refuseUnknown(given, Object.keys(shown));
    const request = decodeArguments(FindHostsRequestSchema, fields, given);
    const { signal } = context.mcpReq;
    const page = await fetchFittingPage((pageSize) => fleet.findHosts({ ...request, pageSize }, { signal }), {
      pageSize: request.pageSize || defaultPageSize,
      budget: pageBudget,
      itemsOf: ({ hosts }) => hosts.map(hostStructure),
    });
    return renderHosts(page);
  },
};
