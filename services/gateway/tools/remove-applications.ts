import { MutationService } from "../../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** MutationService/RemovePackages on many hosts, as a plan. */
export const removeApplications = operationTool({
  name: "remove_applications",
  title: "Remove applications",
  description: "Plans removing packages and their dependents. Changes nothing until commit_change.",
  method: MutationService.method.removePackages,
  fields: { packages: "" },
});
