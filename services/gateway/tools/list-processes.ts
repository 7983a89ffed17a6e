import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/ListProcesses on many hosts. */
export const listProcesses = operationTool({
  name: "list_processes",
  title: "List processes",
  description: "Processes with the most CPU time or memory, or the newest.",
  method: TelemetryService.method.listProcesses,
  fields: { pattern: "RE2 on name and command line", user: "", order: "", limit: "" },
});
