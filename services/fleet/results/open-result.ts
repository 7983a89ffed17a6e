// The raw answers of a run, opened: filtered, grouped, paged, bounded. Hosts are not asked again.
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type OpenResultRequest,
  type OpenResultResponse,
  OpenResultResponseSchema,
  type ResultItem,
  ResultItemSchema,
} from "../../gen/systemsmanager/fleet/v1/result_pb.js";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import { nearest } from "../../shared/nearest.js";
import { compilePattern } from "../../shared/pattern.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";
import { filterAnswer, readAnswer, type Shortened, shortenAnswer } from "./answer-json.js";
import { pagerFor } from "./page-token.js";
import { type EntryFilter, listGroups, listHosts, type ResultEntry } from "./result-entries.js";
import { invalidHandle, type View } from "./view.js";

const defaultPageSize = 20;
const maxItemBytes = 64 * 1024;
const maxPageBytes = 256 * 1024;
const maxHostsPerItem = 200;
const millisecondsPerTurn = 20;

/** What to open: the run and view of the handle or run id, and the request with its filters. */
export interface OpenOrder {
  readonly run: TrackedRun;
  readonly view: View;
  readonly request: OpenResultRequest;
  readonly principal: string;
}

/** Throws UNKNOWN_HOST, INVALID_ARGUMENT (pattern), INVALID_HANDLE (page token). */
export async function openResult(database: StateDatabase, order: OpenOrder): Promise<OpenResultResponse> {
  const { run, view, request } = order;
  const filter = combine(view, request);
  if (filter.host !== undefined) checkHost(run, filter.host);
  const pager = pagerFor(database.handleKey, [
    run.record.runId,
    order.principal,
    filter,
    request.pattern,
    request.byGroup,
  ]);
  const after = pager.start(request.pageToken);
  const answers = new AnswerReader(run, request.pattern);
  const listed = request.byGroup ? listGroups(run, filter) : listHosts(run, filter);
  const matched = await answers.keepMatching(listed);
  const page = takePage(
    matched.filter((entry) => entry.sortKey > after),
    request.pageSize || defaultPageSize,
    answers,
  );
  const last = page.at(-1)?.entry.sortKey;
  const more = last !== undefined && matched.some((entry) => entry.sortKey > last);
  return create(OpenResultResponseSchema, {
    items: page.map(({ item }) => item),
    matchedCount: matched.length,
    nextPageToken: more ? pager.next(last) : "",
    revision: run.record.revision,
  });
}

// A handle's view can be narrowed, never left.
function combine(view: View, request: OpenResultRequest): EntryFilter {
  const state = request.state === HostState.UNSPECIFIED ? view.state : request.state;
  if (view.state !== undefined && state !== view.state) throw outsideView(request, "state");
  const group = request.group === "" ? view.group : request.group;
  if (view.group !== undefined && !group?.startsWith(view.group.slice(0, group.length)))
    throw outsideView(request, "group");
  return {
    ...(request.host === "" ? {} : { host: request.host }),
    ...(state === undefined ? {} : { state }),
    ...(group === undefined ? {} : { group: longer(group, view.group) }),
  };
}

function longer(group: string, viewed: string | undefined): string {
  return viewed !== undefined && viewed.length > group.length ? viewed : group;
}

function outsideView({ target }: OpenResultRequest, field: string) {
  return invalidHandle(target.value ?? "", `opens another ${field} than the one asked for`);
}

function checkHost(run: TrackedRun, host: string): void {
  const names = run.targets.map((target) => target.name);
  if (names.includes(host)) return;
  const candidates = nearest(host, names);
  throw failure(ErrorReason.UNKNOWN_HOST, `the run has no host named ${JSON.stringify(host)}`, {
    metadata: { host, nearest: candidates.join(",") },
    remedy: `nearest: ${candidates.join(", ")}`,
  });
}

interface PageItem {
  readonly entry: ResultEntry;
  readonly item: ResultItem;
}

// A page has at least one item, however big; else as many as fit.
function takePage(entries: readonly ResultEntry[], pageSize: number, answers: AnswerReader): PageItem[] {
  const page: PageItem[] = [];
  let bytes = 0;
  for (const entry of entries.slice(0, pageSize)) {
    const item = renderItem(entry, answers);
    bytes += Buffer.byteLength(item.answerJson);
    if (page.length > 0 && bytes > maxPageBytes) break;
    page.push({ entry, item });
  }
  return page;
}

function renderItem(entry: ResultEntry, answers: AnswerReader): ResultItem {
  const { answer, hosts } = entry;
  const shown = answers.read(answer.digest);
  const cut = shown && shortenAnswer(shown.json, maxItemBytes);
  return create(ResultItemSchema, {
    hosts: hosts.slice(0, maxHostsPerItem),
    omittedHostCount: Math.max(0, hosts.length - maxHostsPerItem),
    state: answer.state,
    digest: answer.digest ?? "",
    answerJson: cut ? JSON.stringify(cut.json) : "",
    filteredCount: shown?.removed ?? 0,
    omittedCount: cut?.removed ?? 0,
    ...(answer.problem ? { error: { ...answer.problem, metadata: { ...answer.problem.metadata } } } : {}),
    ...(answer.durationMs === undefined ? {} : { duration: durationFromMs(answer.durationMs) }),
  });
}

// Reads each distinct answer once for matching; of what was read, only whether it matches is kept.
class AnswerReader {
  readonly #run: TrackedRun;
  readonly #pattern: string;
  readonly #matches: (text: string) => boolean;

  constructor(run: TrackedRun, pattern: string) {
    this.#run = run;
    this.#pattern = pattern;
    this.#matches = compilePattern(pattern);
  }

  read(digest: string | undefined): Shortened | undefined {
    if (digest === undefined) return undefined;
    const json = readAnswer(this.#run.operation.method.output, this.#run.bodyOf(digest));
    return this.#pattern === "" ? { json, removed: 0 } : filterAnswer(json, this.#matches);
  }

  /** With a pattern, the entries of which something matches: a row or field of the answer, or the failure's message. */
  async keepMatching(entries: readonly ResultEntry[]): Promise<readonly ResultEntry[]> {
    if (this.#pattern === "") return entries;
    const known = new Map<string, boolean>();
    const kept: ResultEntry[] = [];
    let turnEnds = performance.now() + millisecondsPerTurn;
    for (const entry of entries) {
      const { digest, problem } = entry.answer;
      const key = digest ?? `: ${problem?.message ?? ""}`;
      const matches = known.get(key) ?? (digest ? this.#answerMatches(digest) : this.#matches(problem?.message ?? ""));
      known.set(key, matches);
      if (matches) kept.push(entry);
      if (performance.now() < turnEnds) continue;
      await yieldToOthers();
      turnEnds = performance.now() + millisecondsPerTurn;
    }
    return kept;
  }

  #answerMatches(digest: string): boolean {
    return Object.keys(this.read(digest)?.json ?? {}).length > 0;
  }
}
