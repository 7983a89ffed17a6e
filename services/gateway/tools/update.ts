import { MutationService } from "../../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** MutationService/UpdatePackages on many hosts, as a plan. */
export const update = operationTool({
  name: "update",
  title: "Update packages",
  description: "Plans upgrading the named packages, or all. Changes nothing until commit_change.",
  method: MutationService.method.updatePackages,
  fields: { packages: "none: all", refresh: "read repository metadata first" },
});
