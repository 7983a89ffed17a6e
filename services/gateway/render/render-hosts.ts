// A page of the inventory as a tool result.
import type { CallToolResult } from "@modelcontextprotocol/server";
import { type HostFacts, HostFactsSchema } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import type { FindHostsResponse, FleetHost } from "../../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { cleanText } from "../../shared/untrusted-text.js";
import { structureOf } from "./structure.js";
import { outputSchemaOf, textResult } from "./text-result.js";

/** What find_hosts answers with. */
export const hostsOutputSchema = outputSchemaOf({ hosts: "array", matched_count: "integer" });

/** One page of hosts, a line each. */
export function renderHosts(page: FindHostsResponse): CallToolResult {
  const { hosts, matchedCount, onlineCount, nextPageToken } = page;
  const head = `${matchedCount} hosts match, ${onlineCount} online${hosts.length < matchedCount ? `; ${hosts.length} on this page` : ""}`;
  const more = nextPageToken ? [`more: page_token ${nextPageToken}`] : [];
  return textResult([head, ...hosts.map(hostLine), ...more].join("\n"), {
    matched_count: matchedCount,
    online_count: onlineCount,
    hosts: hosts.map(({ facts, online }) => ({
      ...(facts ? structureOf(HostFactsSchema, facts, ["host_id"]) : {}),
      online,
    })),
    ...(nextPageToken ? { next_page_token: nextPageToken } : {}),
  });
}

function hostLine({ facts, online }: FleetHost): string {
  if (!facts) return "(a host without facts)";
  const parts = [facts.name, online ? "online" : "offline", facts.os, `${facts.distro} ${facts.distroVersion}`.trim()];
  return cleanText(
    [...parts, `kernel ${facts.kernel}`, facts.arch, ...sizes(facts), ...labelsOf(facts)].join("  "),
    600,
  );
}

function sizes({ cpuCount, memoryBytes }: HostFacts): string[] {
  return [`${cpuCount} CPUs`, `${(Number(memoryBytes) / 2 ** 30).toFixed(1)} GiB`];
}

function labelsOf({ labels }: HostFacts): string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}
