// Each tool's arguments, and the method and request that must come of them.
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  InstallPackagesRequestSchema,
  OptimizeRequestSchema,
  OptimizeScope,
  RemovePackagesRequestSchema,
  UpdatePackagesRequestSchema,
} from "../../services/gen/systemsmanager/mutation/v1/package_pb.js";
import { ManageServiceRequestSchema, ServiceAction } from "../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { ListKernelModulesRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/kernel_module_pb.js";
import { LogPriority, QueryLogsRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/log_pb.js";
import { ListPackagesRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/package_pb.js";
import {
  GetProcessRequestSchema,
  ListProcessesRequestSchema,
  ProcessOrder,
} from "../../services/gen/systemsmanager/telemetry/v1/process_pb.js";
import { ActiveState, ListServicesRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import {
  ListSocketsRequestSchema,
  SocketProtocol,
  SocketRole,
} from "../../services/gen/systemsmanager/telemetry/v1/socket_pb.js";
import { GetSystemSnapshotRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/system_pb.js";

/** One row: the tool, its arguments, and the method and request that must reach the fleet. */
function row<Desc extends DescMessage>(
  tool: string,
  given: Record<string, unknown>,
  method: string,
  schema: Desc,
  request: MessageInitShape<Desc>,
) {
  return { tool, given, method, schema: schema as DescMessage, request: toBinary(schema, create(schema, request)) };
}

const telemetry = "systemsmanager.telemetry.v1.TelemetryService";
const mutation = "systemsmanager.mutation.v1.MutationService";
const noon = "2026-07-28T12:00:00Z";

/** Tools that are one read. */
export const reads = [
  row("capture_system_snapshot", {}, `${telemetry}/GetSystemSnapshot`, GetSystemSnapshotRequestSchema, {}),
  row(
    "list_processes",
    { pattern: "ngi.x", user: "root", order: "memory", limit: 5 },
    `${telemetry}/ListProcesses`,
    ListProcessesRequestSchema,
    { pattern: "ngi.x", user: "root", order: ProcessOrder.MEMORY, limit: 5 },
  ),
  row("get_process_details", { pid: 1 }, `${telemetry}/GetProcess`, GetProcessRequestSchema, {
    target: { case: "pid", value: 1 },
  }),
  row("get_process_details", { name: "nginx", limit: 3 }, `${telemetry}/GetProcess`, GetProcessRequestSchema, {
    target: { case: "name", value: "nginx" },
    limit: 3,
  }),
  row(
    "get_network_connections",
    { port: 443, protocols: ["tcp", "udp"], role: "listener", process_name: "nginx", limit: 7 },
    `${telemetry}/ListSockets`,
    ListSocketsRequestSchema,
    {
      port: 443,
      protocols: [SocketProtocol.TCP, SocketProtocol.UDP],
      role: SocketRole.LISTENER,
      processName: "nginx",
      limit: 7,
    },
  ),
  row(
    "list_services",
    { names: ["nginx", "sshd.service"], active_states: ["failed"], limit: 9 },
    `${telemetry}/ListServices`,
    ListServicesRequestSchema,
    { names: ["nginx", "sshd.service"], activeStates: [ActiveState.FAILED], limit: 9 },
  ),
  row(
    "query_system_logs",
    { unit: "nginx", max_priority: "Error", since: noon, until: noon, pattern: "x", boot: -1, limit: 2, cursor: "c" },
    `${telemetry}/QueryLogs`,
    QueryLogsRequestSchema,
    {
      unit: "nginx",
      maxPriority: LogPriority.ERROR,
      since: timestampFromDate(new Date(noon)),
      until: timestampFromDate(new Date(noon)),
      pattern: "x",
      boot: -1,
      limit: 2,
      cursor: "c",
    },
  ),
  row("list_kernel_modules", { pattern: "^ext4$" }, `${telemetry}/ListKernelModules`, ListKernelModulesRequestSchema, {
    pattern: "^ext4$",
  }),
  row(
    "list_packages",
    { pattern: "ssl", upgradable_only: true, limit: 10 },
    `${telemetry}/ListPackages`,
    ListPackagesRequestSchema,
    { pattern: "ssl", upgradableOnly: true, limit: 10 },
  ),
];

/** Tools that plan a change. */
export const changes = [
  row("manage_service", { name: "nginx", action: "restart" }, `${mutation}/ManageService`, ManageServiceRequestSchema, {
    name: "nginx",
    action: ServiceAction.RESTART,
  }),
  row(
    "install_applications",
    { packages: ["jq", "curl=7.88.1-10"], refresh: true },
    `${mutation}/InstallPackages`,
    InstallPackagesRequestSchema,
    { packages: ["jq", "curl=7.88.1-10"], refresh: true },
  ),
  row("remove_applications", { packages: ["jq"] }, `${mutation}/RemovePackages`, RemovePackagesRequestSchema, {
    packages: ["jq"],
  }),
  row("update", { refresh: true }, `${mutation}/UpdatePackages`, UpdatePackagesRequestSchema, { refresh: true }),
  row("optimize", { scopes: ["package_cache", "orphaned_packages"] }, `${mutation}/Optimize`, OptimizeRequestSchema, {
    scopes: [OptimizeScope.PACKAGE_CACHE, OptimizeScope.ORPHANED_PACKAGES],
  }),
];
