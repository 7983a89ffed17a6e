import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/QueryLogs on many hosts. */
export const querySystemLogs = operationTool({
  name: "query_system_logs",
  title: "Query system logs",
  description: "Log lines, newest kept, all matches counted, similar ones grouped.",
  method: TelemetryService.method.queryLogs,
  fields: {
    unit: "",
    max_priority: "this and more severe",
    since: 'RFC 3339 or age "2h"',
    until: "",
    pattern: "RE2 on message",
    boot: "0 current, -1 one before",
    limit: "per host, default 100",
    cursor: "next_cursor of a host",
  },
});
