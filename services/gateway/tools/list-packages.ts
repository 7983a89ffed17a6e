import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/ListPackages on many hosts. */
export const listPackages = operationTool({
  name: "list_packages",
  title: "List packages",
  description: "Installed packages and versions, or those with upgrades.",
  method: TelemetryService.method.listPackages,
  fields: { pattern: "RE2 on name", upgradable_only: "", limit: "" },
});
