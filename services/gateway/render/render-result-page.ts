// A page of raw answers as a tool result. An answer that would not fit an agent's context is cut, and the cut is
// counted.
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { CallToolResult } from "@modelcontextprotocol/server";
import type { OpenResultResponse, ResultItem } from "../../gen/systemsmanager/fleet/v1/result_pb.js";
import { HostErrorSchema, HostStateSchema } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { enumName } from "../../shared/enum-names.js";
import { reasonName } from "../../shared/errors.js";
import { type Structure, structureOf } from "../../shared/structure.js";
import { cleanText } from "../../shared/untrusted-text.js";
import { tokensOf } from "./fit-tokens.js";
import { listNames } from "./list-names.js";
import { outputSchemaOf, textResult } from "./text-result.js";

/** What open_result answers with. */
export const resultOutputSchema = outputSchemaOf({ items: "array", matched_count: "integer" });

/** Most tokens of the answers on one page. */
export const pageBudget = 4_000;

const shownHosts = 50;
const shownMessage = 2_000;
// As many digits as the argument group needs at least.
const groupDigits = 12;

/** One item, with its answer whole or cut at its end. */
interface ShownItem {
  readonly item: ResultItem;
  readonly answer: string;
  readonly cutCharacters: number;
}

/** A page of answers. */
export function renderResultPage(page: OpenResultResponse): CallToolResult {
  const { items, matchedCount, revision, nextPageToken } = page;
  const shown = items.map(cutAnswer);
  const head = `${matchedCount} match; ${items.length} shown${revision > 1 ? `; revision ${revision}` : ""}`;
  const more = nextPageToken ? [`more: page_token ${nextPageToken}`] : [];
  return textResult([head, ...shown.map(itemText), ...more].join("\n"), {
    matched_count: matchedCount,
    revision,
    items: shown.map(itemStructure),
    ...(nextPageToken ? { next_page_token: nextPageToken } : {}),
  });
}

function cutAnswer(item: ResultItem): ShownItem {
  const { answerJson } = item;
  const tokens = tokensOf(answerJson);
  if (tokens <= pageBudget) return { item, answer: answerJson, cutCharacters: 0 };
  const length = Math.floor((answerJson.length * pageBudget) / tokens);
  return { item, answer: cleanText(answerJson, length), cutCharacters: answerJson.length - length };
}

function itemText({ item, answer, cutCharacters }: ShownItem): string {
  const total = item.hosts.length + item.omittedHostCount;
  const took = item.duration ? ` in ${durationMs(item.duration)} ms` : "";
  const group = item.digest ? `, group ${item.digest.slice(0, groupDigits)}` : "";
  const lines = [
    `${listNames(item.hosts, total, shownHosts)}: ${enumName(HostStateSchema, item.state)}${took}${group}`,
  ];
  if (answer) lines.push(`  ${answer}`);
  if (item.error) lines.push(`  [${reasonName(item.error.reason)}] ${cleanText(item.error.message, shownMessage)}`);
  if (item.filteredCount > 0) lines.push(`  ${item.filteredCount} rows do not match the pattern`);
  if (item.omittedCount > 0) lines.push(`  ${item.omittedCount} rows left out by the size limit: narrow with pattern`);
  if (cutCharacters > 0) lines.push(`  ${cutCharacters} characters cut at the end: narrow with pattern`);
  return lines.join("\n");
}

function itemStructure({ item, answer, cutCharacters }: ShownItem): Structure {
  const { hosts, digest, error } = item;
  return {
    hosts: hosts.slice(0, shownHosts),
    ...counted("omitted_host_count", item.omittedHostCount + Math.max(hosts.length - shownHosts, 0)),
    state: enumName(HostStateSchema, item.state),
    ...(digest ? { group: digest.slice(0, groupDigits) } : {}),
    ...(answer ? { answer: cutCharacters > 0 ? answer : JSON.parse(answer) } : {}),
    ...(error ? { error: structureOf(HostErrorSchema, error) } : {}),
    ...counted("filtered_count", item.filteredCount),
    ...counted("omitted_count", item.omittedCount),
    ...counted("cut_characters", cutCharacters),
  };
}

function counted(name: string, count: number): Structure {
  return count > 0 ? { [name]: count } : {};
}
