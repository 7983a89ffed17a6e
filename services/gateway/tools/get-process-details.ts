import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/GetProcess on many hosts. */
export const getProcessDetails = operationTool({
  name: "get_process_details",
  title: "Get process details",
  description: "Threads, memory maps, open files, ancestry, environment names. Give pid or name.",
  method: TelemetryService.method.getProcess,
  fields: { pid: "", name: "exact", limit: "" },
});
