import { MutationService } from "../../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { operationTool } from "../operation-tool.js";

/** MutationService/Optimize on many hosts, as a plan. */
export const optimize = operationTool({
  name: "optimize",
  title: "Free disk space",
  description: "Plans freeing disk space. Changes nothing until commit_change.",
  method: MutationService.method.optimize,
  fields: { scopes: "" },
});
