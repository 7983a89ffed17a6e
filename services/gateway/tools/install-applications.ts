import { MutationService } from "../../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** MutationService/InstallPackages on many hosts, as a plan. */
export const installApplications = operationTool({
  name: "install_applications",
  title: "Install applications",
  description: "Plans installing packages. Changes nothing until commit_change.",
  method: MutationService.method.installPackages,
  fields: { packages: '"name" or "name=version"', refresh: "read repository metadata first" },
});
