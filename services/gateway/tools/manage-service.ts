import { MutationService } from "../../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** MutationService/ManageService on many hosts, as a plan. */
export const manageService = operationTool({
  name: "manage_service",
  title: "Manage service",
  description: "Plans an action on a service. Changes nothing until commit_change.",
  method: MutationService.method.manageService,
  fields: { name: "", action: "" },
});
