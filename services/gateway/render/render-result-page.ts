// A page of raw answers as a tool result. What would not fit an agent's context is cut, and the cut is counted.
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { CallToolResult } from "@modelcontextprotocol/server";
import type { OpenResultResponse, ResultItem } from "../../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { HostErrorSchema, HostStateSchema } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { reasonName } from "../../shared/errors.js";
import { cleanText } from "../../shared/untrusted-text.js";
import { enumName } from "../schema/enum-names.js";
import { tokensOf } from "./fit-tokens.js";
import { listNames } from "./list-names.js";
import { type Structure, structureOf } from "./structure.js";
import { outputSchemaOf, textResult } from "./text-result.js";

/** What open_result answers with. */
export const resultOutputSchema = outputSchemaOf({ items: "array", matched_count: "integer" });

const pageBudget = 6_000;
const shownHosts = 50;

/** One item, with its answer whole or cut. */
interface ShownItem {
  readonly item: ResultItem;
  readonly answer: string;
  readonly cutCharacters: number;
}

/** A page of answers. */
export function renderResultPage(page: OpenResultResponse): CallToolResult {
  const { shown, left } = fitItems(page.items);
  const head = `${page.matchedCount} match; ${shown.length} shown${page.revision > 1 ? `; revision ${page.revision}` : ""}`;
  const rest = left > 0 ? [`${left} more on this page do not fit: ask again with page_size ${shown.length}`] : [];
  const more = page.nextPageToken ? [`more: page_token ${page.nextPageToken}`] : [];
  return textResult([head, ...shown.map(itemText), ...rest, ...more].join("\n"), {
    matched_count: page.matchedCount,
    revision: page.revision,
    items: shown.map(itemStructure),
    ...(left > 0 ? { omitted_items: left } : {}),
    ...(page.nextPageToken ? { next_page_token: page.nextPageToken } : {}),
  });
}

function fitItems(items: readonly ResultItem[]): { shown: ShownItem[]; left: number } {
  const shown: ShownItem[] = [];
  let budget = pageBudget;
  for (const item of items) {
    const cost = tokensOf(item.answerJson) + 40;
    if (cost > budget && shown.length > 0) break;
    shown.push(cost > budget ? cutItem(item, budget) : { item, answer: item.answerJson, cutCharacters: 0 });
    budget -= cost;
  }
  return { shown, left: items.length - shown.length };
}

/** An answer that is too large by itself keeps its beginning. */
function cutItem(item: ResultItem, budget: number): ShownItem {
  const share = budget / tokensOf(item.answerJson);
  const length = Math.floor(item.answerJson.length * share);
  return { item, answer: cleanText(item.answerJson, length), cutCharacters: item.answerJson.length - length };
}

function itemText({ item, answer, cutCharacters }: ShownItem): string {
  const total = item.hosts.length + item.omittedHostCount;
  const took = item.duration ? ` in ${durationMs(item.duration)} ms` : "";
  const head = `${listNames(item.hosts, total, shownHosts)}: ${enumName(HostStateSchema, item.state)}${took}`;
  const error = item.error ? [`  [${reasonName(item.error.reason)}] ${item.error.message}`] : [];
  const counts = [
    ...(item.filteredCount > 0 ? [`  ${item.filteredCount} rows do not match the pattern`] : []),
    ...(item.omittedCount > 0 ? [`  ${item.omittedCount} rows left out by the size limit: narrow with pattern`] : []),
    ...(cutCharacters > 0 ? [`  ${cutCharacters} characters cut at the end: narrow with pattern or host`] : []),
  ];
  return [head, ...(answer ? [`  ${answer}`] : []), ...error, ...counts].join("\n");
}

function itemStructure({ item, answer, cutCharacters }: ShownItem): Structure {
  return {
    hosts: item.hosts.slice(0, shownHosts),
    ...counted("omitted_host_count", item.omittedHostCount + Math.max(item.hosts.length - shownHosts, 0)),
    state: enumName(HostStateSchema, item.state),
    ...(item.digest ? { digest: item.digest } : {}),
    ...(answer ? { answer: cutCharacters > 0 ? answer : JSON.parse(answer) } : {}),
    ...(item.error
      ? { error: { ...structureOf(HostErrorSchema, item.error), reason: reasonName(item.error.reason) } }
      : {}),
    ...counted("filtered_count", item.filteredCount),
    ...counted("omitted_count", item.omittedCount),
    ...counted("cut_characters", cutCharacters),
  };
}

function counted(name: string, count: number): Structure {
  return count > 0 ? { [name]: count } : {};
}
