// Selected hosts, by name, in pages.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type FindHostsRequest,
  type FindHostsResponse,
  FindHostsResponseSchema,
  type FleetHost,
  FleetHostSchema,
} from "../../gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import { pagerFor } from "../results/page-token.js";
import { selectHosts } from "../select/select-hosts.js";
import type { InventoryHost } from "./inventory.js";

const defaultPageSize = 50;

/** Throws what selectHosts throws, and INVALID_HANDLE for a page token of another listing. */
export function findHosts(
  hosts: readonly InventoryHost[],
  request: FindHostsRequest,
  tokenKey: Uint8Array,
): FindHostsResponse {
  const pager = pagerFor(tokenKey, ["hosts", request.selector]);
  const after = pager.start(request.pageToken);
  const matched = [...selectHosts(request.selector, hosts)].sort((a, b) => (a.name < b.name ? -1 : 1));
  const rest = matched.filter((host) => host.name > after);
  const page = rest.slice(0, request.pageSize || defaultPageSize);
  const last = page.at(-1);
  return create(FindHostsResponseSchema, {
    hosts: page.map(toMessage),
    matchedCount: matched.length,
    onlineCount: matched.filter((host) => host.online).length,
    nextPageToken: last && page.length < rest.length ? pager.next(last.name) : "",
  });
}

// The name is the one that selectors know the host by.
function toMessage(host: InventoryHost): FleetHost {
  return create(FleetHostSchema, {
    facts: { ...host.facts, name: host.name },
    online: host.online,
    since: timestampFromMs(host.sinceMs),
  });
}
