import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/StopTraceSession on many hosts. */
export const stopSystemTrace = operationTool({
  name: "stop_system_trace",
  title: "Stop system trace",
  description: "End a trace and tell what it found.",
  method: TelemetryService.method.stopTraceSession,
  fields: { session_id: "" },
});
