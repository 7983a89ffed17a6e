// The entries of an opened result before any of them is rendered: one per host, or one per group of equal answers.
import { createHash } from "node:crypto";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { HostAnswer } from "../run/run-record.js";
import type { TrackedRun } from "../run/tracked-run.js";

/** What narrows the hosts of a run. */
export interface EntryFilter {
  /** Host name. */
  readonly host?: string;
  readonly state?: HostState;
  /** Beginning of a digest. */
  readonly group?: string;
}

/** Hosts with one and the same answer. */
export interface ResultEntry {
  /** Names, sorted. */
  readonly hosts: readonly string[];
  readonly answer: HostAnswer;
  /** Entries are sorted by it; unique in the listing. */
  readonly sortKey: string;
}

const queued: HostAnswer = { state: HostState.QUEUED, answered: false };

/** One entry per host that matches, by name. */
export function listHosts(run: TrackedRun, filter: EntryFilter): ResultEntry[] {
  const entries = run.targets.map(({ name }, index) => ({
    hosts: [name],
    answer: run.answerOf(index) ?? queued,
    sortKey: name,
  }));
  return entries.filter(({ hosts: [name], answer }) => isWanted(name, answer, filter)).sort(bySortKey);
}

/** One entry per group of hosts with equal answers, or equal failures, the largest first. */
export function listGroups(run: TrackedRun, filter: EntryFilter): ResultEntry[] {
  const groups = new Map<string, { answer: HostAnswer; hosts: string[] }>();
  for (const { hosts, answer } of listHosts(run, filter)) {
    const key = groupKey(answer);
    const group = groups.get(key) ?? { answer, hosts: [] };
    group.hosts.push(...hosts);
    groups.set(key, group);
  }
  return [...groups]
    .map(([key, { answer, hosts }]) => ({ hosts, answer, sortKey: `${largestFirst(hosts.length)} ${key}` }))
    .sort(bySortKey);
}

/** The distinct OK answers with the hosts that gave them, as indexes of the run's targets; in the order of listGroups. */
export function listAnswers(run: TrackedRun): { digest: string; hosts: number[] }[] {
  return run.groups().sort((a, b) => b.hosts.length - a.hosts.length || (a.digest < b.digest ? -1 : 1));
}

// Hosts that failed for one reason with one message are a group, as hosts with one answer are.
function groupKey({ state, digest, problem }: HostAnswer): string {
  if (digest) return digest;
  const failure = JSON.stringify([state, problem?.reason, problem?.message]);
  return `${state}-${createHash("sha256").update(failure).digest("hex")}`;
}

function isWanted(name: string | undefined, answer: HostAnswer, filter: EntryFilter): boolean {
  if (filter.host !== undefined && filter.host !== name) return false;
  if (filter.state !== undefined && filter.state !== answer.state) return false;
  return filter.group === undefined || (answer.digest?.startsWith(filter.group) ?? false);
}

function largestFirst(count: number): string {
  return String(Number.MAX_SAFE_INTEGER - count).padStart(16, "0");
}

function bySortKey(a: ResultEntry, b: ResultEntry): number {
  return a.sortKey < b.sortKey ? -1 : a.sortKey > b.sortKey ? 1 : 0;
}
