import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/ListKernelModules on many hosts. */
export const listKernelModules = operationTool({
  name: "list_kernel_modules",
  title: "List kernel modules",
  description: "Loaded kernel modules.",
  method: TelemetryService.method.listKernelModules,
  fields: { pattern: "RE2 on name" },
});
