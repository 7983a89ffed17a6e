import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** TelemetryService/ListSockets on many hosts. */
export const getNetworkConnections = operationTool({
  name: "get_network_connections",
  title: "Get network connections",
  description: "Sockets and the processes that hold them; with port: who holds it.",
  method: TelemetryService.method.listSockets,
  fields: { port: "local", protocols: "", role: "", process_name: "exact", limit: "" },
});
