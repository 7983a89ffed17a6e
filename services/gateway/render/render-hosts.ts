// A page of the inventory as a tool result.
import type { CallToolResult } from "@modelcontextprotocol/server";
import { type HostFacts, HostFactsSchema } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import type { FindHostsResponse, FleetHost } from "../../gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import { type Structure, structureOf } from "../../shared/structure.js";
import { cleanText } from "../../shared/untrusted-text.js";
import { outputSchemaOf, textResult } from "./text-result.js";

/** What find_hosts answers with. */
export const hostsOutputSchema = outputSchemaOf({ hosts: "array", matched_count: "integer" });

const longestLine = 600;

/** One page of hosts, a line each. */
export function renderHosts(page: FindHostsResponse): CallToolResult {
  const { hosts, matchedCount, onlineCount, nextPageToken } = page;
  const shown = hosts.length < matchedCount ? `; ${hosts.length} on this page` : "";
  const more = nextPageToken ? [`more: page_token ${nextPageToken}`] : [];
  const head = `${matchedCount} ${matchedCount === 1 ? "host matches" : "hosts match"}, ${onlineCount} online${shown}`;
  return textResult([head, ...hosts.map(hostLine), ...more].join("\n"), {
    matched_count: matchedCount,
    online_count: onlineCount,
    hosts: hosts.map(hostStructure),
    ...(nextPageToken ? { next_page_token: nextPageToken } : {}),
  });
}

/** The facts of one host that a reader chooses hosts by. */
export function hostStructure({ facts, online }: FleetHost): Structure {
  const shown = facts ? structureOf(HostFactsSchema, facts, ["host_id", "distro_like", "daemon_version"]) : {};
  return { ...shown, online };
}

function hostLine({ facts, online }: FleetHost): string {
  if (!facts) return "(a host without facts)";
  const parts = [
    facts.name,
    online ? "online" : "offline",
    `${facts.os} ${facts.distro} ${facts.distroVersion}`,
    `kernel ${facts.kernel}`,
    facts.arch,
    `${facts.cpuCount} CPUs`,
    `${(Number(facts.memoryBytes) / 2 ** 30).toFixed(1)} GiB`,
    facts.capabilities.join(","),
    ...labelsOf(facts),
  ];
  return cleanText(parts.filter((part) => part !== "").join("  "), longestLine);
}

function labelsOf({ labels }: HostFacts): string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}
