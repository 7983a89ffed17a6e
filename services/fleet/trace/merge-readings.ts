// The readings of many hosts as one: exact sums, by key. A row of one process stays that host's own.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, durationMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { RowHostsSchema } from "../../gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import {
  type CountRow,
  type EventAccount,
  type FunctionCost,
  type LatencySlot,
  ProfileStackSchema,
  TraceDetail,
  type TraceReading,
  TraceReadingSchema,
  TraceState,
} from "../../gen/systemsmanager/trace/v1/reading_pb.js";

/** What one host has found. */
export interface HostReading {
  readonly host: string;
  readonly reading: TraceReading;
}

export interface MergedReading {
  /** Without events, which are of their hosts. */
  readonly merged: TraceReading;
  /** For each row, or stack, of the merge. */
  readonly rowHosts: MessageInitShape<typeof RowHostsSchema>[];
}

type Slots = Map<number, LatencySlot>;

/** A figure of many hosts, and who has most of it. */
class Total {
  sum = 0n;
  hosts = 0;
  greatestHost = "";
  greatestCount = 0n;

  add(host: string, count: bigint): void {
    this.sum += count;
    this.hosts++;
    if (this.hosts > 1 && count <= this.greatestCount) return;
    this.greatestHost = host;
    this.greatestCount = count;
  }
}

interface MergedRow {
  readonly total: Total;
  readonly row: CountRow;
  readonly slots: Slots;
}

/** Sums what the hosts have; rows and stacks beyond the limit are in the other count, to the unit. */
export function mergeReadings(readings: readonly HostReading[], limit: number): MergedReading {
  const accounts = new Map<string, EventAccount>();
  const rows = new Map<string, MergedRow>();
  const stacks = new Map<string, Total>();
  const functions = new Map<string, FunctionCost>();
  const slots: Slots = new Map();
  for (const { host, reading } of readings) {
    for (const account of reading.accounts) addAccount(accounts, account);
    for (const row of reading.rows) addRow(rows, host, row);
    for (const cost of reading.functions) addFunction(functions, cost);
    for (const { folded, samples } of reading.stacks) totalOf(stacks, folded).add(host, samples);
    addSlots(slots, reading.slots);
  }
  const topRows = greatestFirst([...rows.values()], ({ total }) => total.sum, limit);
  const topStacks = greatestFirst([...stacks], ([, total]) => total.sum, limit);
  const others = readings.reduce((sum, { reading }) => sum + reading.otherCount, 0n) + topRows.rest + topStacks.rest;
  const merged = create(TraceReadingSchema, {
    ...describeStates(readings),
    accounts: [...accounts.values()],
    rows: topRows.kept.map(({ row, total, slots: own }) => ({ ...row, count: total.sum, slots: sortSlots(own) })),
    stacks: topStacks.kept.map(([folded, { sum }]) => create(ProfileStackSchema, { folded, samples: sum })),
    functions: greatestFirst([...functions.values()], ({ selfSamples }) => selfSamples, limit).kept,
    otherCount: others,
    unmatchedCount: readings.reduce((sum, { reading }) => sum + reading.unmatchedCount, 0n),
    slots: sortSlots(slots),
    notes: [...countNotes(readings), ...noteHidden(readings)],
  });
  const totals = [...topRows.kept.map(({ total }) => total), ...topStacks.kept.map(([, total]) => total)];
  return {
    merged,
    rowHosts: totals.map(({ hosts, greatestHost, greatestCount }) => ({ hosts, greatestHost, greatestCount })),
  };
}

function addAccount(
  accounts: Map<string, EventAccount>,
  { $typeName: _, $unknown: __, name, ...counts }: EventAccount,
) {
  const known = accounts.get(name);
  if (!known) {
    accounts.set(name, { $typeName: "systemsmanager.trace.v1.EventAccount", name, ...counts });
    return;
  }
  for (const [field, count] of Object.entries(counts)) known[field as keyof typeof counts] += count;
}

function addRow(rows: Map<string, MergedRow>, host: string, row: CountRow): void {
  const key = row.pid > 0 ? `${row.key} on ${host}` : row.key;
  const known = rows.get(key);
  const merged = known ?? { total: new Total(), row: { ...row, key }, slots: new Map() };
  merged.total.add(host, row.count);
  if (known) known.row.sum += row.sum;
  addSlots(merged.slots, row.slots);
  rows.set(key, merged);
}

function addFunction(functions: Map<string, FunctionCost>, cost: FunctionCost): void {
  const known = functions.get(cost.function);
  if (known) {
    known.selfSamples += cost.selfSamples;
    known.totalSamples += cost.totalSamples;
  } else {
    functions.set(cost.function, { ...cost });
  }
}

function addSlots(sums: Slots, slots: readonly LatencySlot[]): void {
  for (const slot of slots) {
    const known = sums.get(slot.power);
    if (known) known.count += slot.count;
    else sums.set(slot.power, { ...slot });
  }
}

function sortSlots(slots: Slots): LatencySlot[] {
  return [...slots.values()].sort((one, other) => one.power - other.power);
}

function totalOf(totals: Map<string, Total>, key: string): Total {
  const total = totals.get(key) ?? new Total();
  totals.set(key, total);
  return total;
}

function greatestFirst<Item>(items: Item[], sumOf: (item: Item) => bigint, limit: number) {
  items.sort((one, other) => Number(sumOf(other) - sumOf(one)));
  return { kept: items.slice(0, limit), rest: items.slice(limit).reduce((sum, item) => sum + sumOf(item), 0n) };
}

// It runs as long as it runs anywhere, and tells as little as the host that tells least.
function describeStates(readings: readonly HostReading[]): MessageInitShape<typeof TraceReadingSchema> {
  if (readings.length === 0) return {};
  const all = readings.map(({ reading }) => reading);
  const running = all.some(({ state }) => state === TraceState.RUNNING);
  const starts = all.flatMap(({ startedAt }) => (startedAt ? [timestampMs(startedAt)] : []));
  return {
    state: running ? TraceState.RUNNING : Math.max(...all.map(({ state }) => state)),
    detail: Math.max(TraceDetail.FULL, ...all.map(({ detail }) => detail)),
    backend: [...new Set(all.map(({ backend }) => backend))].sort().join(", "),
    ...(starts.length > 0 ? { startedAt: timestampFromMs(Math.min(...starts)) } : {}),
    elapsed: durationFromMs(Math.max(...all.map(({ elapsed }) => (elapsed ? durationMs(elapsed) : 0)))),
  };
}

// What a host does not show it has counted all the same, but not by key.
function noteHidden(readings: readonly HostReading[]): string[] {
  const hosts = readings.filter(({ reading }) => reading.otherCount > 0n).length;
  if (hosts === 0) return [];
  const what = "a row's figure lacks the hosts that did not show it; what they did not show is in the other count";
  return [`${hosts} of ${readings.length} hosts have more than they show: ${what}`];
}

function countNotes(readings: readonly HostReading[]): string[] {
  const hosts = new Map<string, number>();
  for (const { reading } of readings)
    for (const note of new Set(reading.notes)) hosts.set(note, (hosts.get(note) ?? 0) + 1);
  return [...hosts].map(([note, count]) =>
    count === readings.length ? note : `${note} (on ${count} of ${readings.length} hosts)`,
  );
}
