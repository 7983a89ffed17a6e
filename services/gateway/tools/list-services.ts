import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/ListServices on many hosts. */
export const listServices = operationTool({
  name: "list_services",
  title: "List services",
  description: "Services with load, active, sub and boot state; failed ones counted.",
  method: TelemetryService.method.listServices,
  fields: { names: "exact; none: all", active_states: "", limit: "" },
});
