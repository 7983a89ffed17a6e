import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/GetSystemSnapshot on many hosts. */
export const captureSystemSnapshot = operationTool({
  name: "capture_system_snapshot",
  title: "Capture system snapshot",
  description: "OS, hardware, CPU, memory, load, disks and uptime now.",
  method: TelemetryService.method.getSystemSnapshot,
  fields: {},
});
