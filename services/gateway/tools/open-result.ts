import { FleetService } from "../../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { OpenResultRequestSchema } from "../../gen/systemsmanager/fleet/v1/result_pb.js";
import { fetchFittingPage } from "../render/fit-tokens.js";
import { pageBudget, renderResultPage, resultOutputSchema } from "../render/render-result-page.js";
import { decodeArguments, refuseUnknown } from "../schema/decode-arguments.js";
import { annotationsOfRpc, inputSchema, shownFields, type Tool } from "../tool.js";

const shown = {
  handle: "",
  run_id: "",
  host: "",
  state: "",
  group: "digest, 12 digits or more",
  pattern: "RE2, keeps matching rows",
  by_group: "equal answers once",
  page_size: "",
  page_token: "",
};
const defaultPageSize = 20;
const fields = shownFields(OpenResultRequestSchema, shown);

/** FleetService/OpenResult. */
export const openResult: Tool = {
  definition: {
    name: "open_result",
    title: "Open result",
    description: "The raw answers behind a summary, without asking the hosts again. Give a handle or run_id.",
    inputSchema: inputSchema({}, fields, shown),
    outputSchema: resultOutputSchema,
    annotations: annotationsOfRpc(FleetService.method.openResult),
  },
  async call(given, { fleet, context }) {
    refuseUnknown(given, Object.keys(shown));
    const request = decodeArguments(OpenResultRequestSchema, fields, given);
    const { signal } = context.mcpReq;
    const page = await fetchFittingPage((pageSize) => fleet.openResult({ ...request, pageSize }, { signal }), {
      pageSize: request.pageSize || defaultPageSize,
      budget: pageBudget,
      itemsOf: ({ items }) => items.map(({ answerJson }) => answerJson),
    });
    return renderResultPage(page);
  },
};
