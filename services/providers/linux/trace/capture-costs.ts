// What a capture's session shares with its stream: the account of every kind, and how it comes to cost less.
import { TraceDetail } from "../../../gen/systemsmanager/trace/v1/reading_pb.js";
import type { Findings } from "../../trace/investigation.js";
import { type EventKind, eventKinds, type KindAccount } from "../capture/event-layout.js";
import { type Accounts, noEvents } from "../capture/open-capture.js";
import type { EventCapture } from "./event-capture.js";

/** Of each CPU, when the session costs too much. */
const sampledPerSecond = 100;

const nameOfKind = new Map(Object.entries(eventKinds).map(([name, kind]) => [kind as number, name as EventKind]));

/** Names of kinds by their numbers. */
export function namesOfKinds(kinds: readonly number[]): EventKind[] {
  return kinds.flatMap((kind) => nameOfKind.get(kind) ?? []);
}

/** What became of the events of these kinds when so many, by number of kind, were taken. */
export function describeAccounts(
  names: readonly EventKind[],
  accounts: Accounts,
  delivered: ReadonlyMap<number, number>,
): NonNullable<Findings["accounts"]> {
  return names.map((name) => describeAccount(name, accounts[name], delivered.get(eventKinds[name]) ?? 0));
}

// The kernel goes on while its counters are read, one after the other: what has no end among them yet is on its way.
function describeAccount(name: EventKind, { submitted, attempted, ...drops }: KindAccount, delivered: number) {
  const ends = Object.values(drops).reduce((sum, count) => sum + count, delivered);
  const all = Math.max(attempted, ends + submitted - delivered);
  const { filtered, rateLimited, ringFull, noScratch, unreadable } = drops;
  return {
    name,
    attempted: BigInt(all),
    filtered: BigInt(filtered),
    rateLimited: BigInt(rateLimited),
    ringFull: BigInt(ringFull),
    noScratch: BigInt(noScratch),
    unreadable: BigInt(unreadable),
    undelivered: BigInt(all - ends),
    delivered: BigInt(delivered),
  };
}

/** Each call lets fewer events through than this rate, 0 for none, and tells how much that is: a sample, then only counts. */
export function degraderOf(capture: EventCapture, eventsPerSecond = 0): () => TraceDetail {
  const sampled = Math.min(eventsPerSecond || sampledPerSecond, sampledPerSecond);
  let detail = TraceDetail.FULL;
  return () => {
    capture.setEventsPerSecond(detail === TraceDetail.FULL ? sampled : noEvents);
    detail = detail === TraceDetail.FULL ? TraceDetail.SAMPLED : TraceDetail.COUNTS_ONLY;
    return detail;
  };
}
