// Reads what the addon hands over of an aggregation. native/linux/aggregate/aggregate_session.hh and
// native/linux/bpf/tally_layout.h say the same.
import { textUntilZero } from "../capture/kernel-text.js";
import { formatAddress } from "../capture/network-address.js";
import type { AggregationKey, AggregationQuestion } from "./aggregation-question.js";

/** What a row is of. */
export interface RowKey {
  /** Of a process. */
  readonly pid?: number;
  /** Of a process: when it started, since boot. */
  readonly startNs?: bigint;
  /** Of a process, the name that it had. */
  readonly comm?: string;
  /** Of a cgroup, which has no text of its own. */
  readonly cgroup?: bigint;
  readonly text: string;
}

export interface AggregationRow {
  readonly key: RowKey;
  readonly count: number;
  /** Bytes, or nanoseconds of a question of latencies. */
  readonly sum: number;
  /** Of a question of latencies: how many took 2^n nanoseconds and more, up to the next. */
  readonly slots?: readonly number[];
}

/** Cumulative. total = the rows + other, always. */
export interface AggregationReading {
  /** What matched the question and its filter, and, of latencies, could be measured. */
  readonly total: number;
  /** What found no room for a row of its own. */
  readonly other: number;
  /** What ended without a begin that was seen: its time is unknown, it is not in the total. */
  readonly unmatched: number;
  readonly attempted: number;
  /** By the filter; of connections, those that did not come about, too. */
  readonly filtered: number;
  /** attempted - filtered - unmatched - total: what happened while this was read. Nothing, when it is the last. */
  readonly underWay: number;
  /** Processes of a filter's tree for which there was no room, so that their events are missed. */
  readonly untaggedProcesses: number;
  readonly rows: readonly AggregationRow[];
  /** Of all latencies, those in other too. */
  readonly slots?: readonly number[];
}

const latencySlots = 64;
const headerWords = 5;
const keyBytes = 32;
const textAt = 16;

export function decodeReading(buffer: ArrayBuffer, { by, measure }: AggregationQuestion): AggregationReading {
  const cursor = new Cursor(Buffer.from(buffer));
  const [attempted = 0, filtered = 0, other = 0, unmatched = 0, untaggedProcesses = 0] = cursor.numbers(headerWords);
  const isLatency = measure === "latency";
  const all = isLatency ? cursor.numbers(2 + latencySlots).slice(2) : undefined;
  const rows: AggregationRow[] = [];
  while (!cursor.isAtEnd) {
    const key = cursor.bytes(keyBytes);
    const [count = 0, sum = 0] = cursor.numbers(2);
    const slots = isLatency ? cursor.numbers(latencySlots) : undefined;
    const [length = 0] = cursor.numbers(1);
    const text = cursor.bytes(8 * Math.ceil(length / 8)).subarray(0, length);
    rows.push({ key: describeKey(by, key, text), count, sum, ...(slots ? { slots } : {}) });
  }
  const kept = mergeProcesses(rows.filter(({ count }) => count > 0));
  const total = other + kept.reduce((counted, { count }) => counted + count, 0);
  const underWay = attempted - filtered - unmatched - total;
  const figures = { total, other, unmatched, attempted, filtered, underWay, untaggedProcesses };
  return { ...figures, rows: kept, ...(all ? { slots: all } : {}) };
}

function describeKey(by: AggregationKey, key: Buffer, text: Buffer): RowKey {
  const number = key.readBigUInt64LE(0);
  const named = key.subarray(textAt);
  switch (by) {
    case "none":
      return { text: "all" };
    case "process":
      return describeProcess(Number(number), key.readBigUInt64LE(8), textUntilZero(named));
    case "comm":
      return { text: textUntilZero(named) || "?" };
    case "remote":
      return { text: describeEnd(formatAddress(named), number) };
    case "cgroup":
      return { cgroup: number, text: `cgroup ${number}` };
    case "user":
      return { text: String(number) };
    default:
      return { text: textUntilZero(text) || "?" };
  }
}

// Of a connection nobody may know whose it is.
function describeProcess(pid: number, startNs: bigint, comm: string): RowKey {
  return pid === 0 ? { text: "?" } : { pid, startNs, comm, text: `${comm}[${pid}]` };
}

function describeEnd(address: string, port: bigint): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

// A process that became another program has a row for each of its names; it is the one with the greater count.
function mergeProcesses(rows: readonly AggregationRow[]): AggregationRow[] {
  const merged = new Map<string, AggregationRow>();
  for (const row of rows) {
    const { pid, startNs, text } = row.key;
    const id = pid === undefined ? text : `${pid} ${startNs}`;
    const known = merged.get(id);
    merged.set(id, known ? sumOf(known, row) : row);
  }
  return [...merged.values()];
}

function sumOf(one: AggregationRow, other: AggregationRow): AggregationRow {
  const { key } = one.count >= other.count ? one : other;
  const slots = one.slots?.map((count, slot) => count + (other.slots?.[slot] ?? 0));
  return { key, count: one.count + other.count, sum: one.sum + other.sum, ...(slots ? { slots } : {}) };
}

class Cursor {
  readonly #from: Buffer;
  #at = 0;

  constructor(from: Buffer) {
    this.#from = from;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#from.length;
  }

  numbers(count: number): number[] {
    const words = this.bytes(8 * count);
    return Array.from({ length: count }, (_, index) => Number(words.readBigUInt64LE(8 * index)));
  }

  bytes(length: number): Buffer {
    const bytes = this.#from.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }
}
