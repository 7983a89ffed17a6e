// Faults that logical hosts suffer, as users write them: "drop=0.01,delay=50ms..500ms,kill=0.001/s".
import { ErrorReason, failure } from "../../shared/errors.js";

/** From the least to the most, in milliseconds. */
export interface TimeRange {
  readonly least: number;
  readonly most: number;
}

/** Shares are from 0 to 1; what is 0 or absent does not happen. */
export interface FaultSet {
  /** Share of commands that never reach their daemon, and of replies that are lost with their connection. */
  readonly drop: number;
  /** Share of commands and replies that come twice. */
  readonly duplicate: number;
  /** Share of commands and replies that the next one overtakes. */
  readonly reorder: number;
  /** How long each command and each reply takes. */
  readonly delay?: TimeRange;
  /** How far each host's clock is ahead; behind when negative. */
  readonly skew?: TimeRange;
  /** Share of hosts that do not read what relays send. */
  readonly stall: number;
  /** Share of journal writes that fail for want of space. */
  readonly diskFull: number;
  /** Share of operations that fail. */
  readonly refuse: number;
  /** How long each change takes. */
  readonly work?: TimeRange;
  /** How often a host is killed, per second. */
  readonly kill: number;
  /** Share of changes in which the daemon is killed, right after the change was carried out. */
  readonly crash: number;
  /** How long a killed host is away; 1 s to 5 s when absent. */
  readonly down?: TimeRange;
}

export const noFaults: FaultSet = {
  drop: 0,
  duplicate: 0,
  reorder: 0,
  stall: 0,
  diskFull: 0,
  refuse: 0,
  kill: 0,
  crash: 0,
};

/** How a kill says nothing of its length. */
export const defaultDown: TimeRange = { least: 1_000, most: 5_000 };

const kinds = {
  drop: parseShare,
  duplicate: parseShare,
  reorder: parseShare,
  delay: parseTimes,
  skew: parseTimes,
  stall: parseShare,
  "disk-full": parseShare,
  refuse: parseShare,
  work: parseTimes,
  kill: parseRate,
  crash: parseShare,
  down: parseTimes,
} as const;

/** The whole set; an empty text is none. Throws INVALID_ARGUMENT. */
export function parseFaults(text: string): FaultSet {
  const given = text.split(",").filter((each) => each.trim() !== "");
  return { ...noFaults, ...Object.fromEntries(given.map(parseFault)) };
}

/** "50ms..500ms", "2s" or "-30s..30s". Throws INVALID_ARGUMENT. */
export function parseTimes(text: string): TimeRange {
  const [least, most = least, ...rest] = text.split("..").map(parseTime);
  if (least === undefined || most === undefined || rest.length > 0 || !(least <= most)) throw invalid(text, "times");
  return { least, most };
}

/** A time of the range. */
export function drawTime({ least, most }: TimeRange, random: () => number): number {
  return least + (most - least) * random();
}

function parseFault(text: string): [string, unknown] {
  const [name = "", value = "", ...rest] = text.split("=").map((part) => part.trim());
  const parse = Object.hasOwn(kinds, name) ? kinds[name as keyof typeof kinds] : undefined;
  if (!parse || rest.length > 0) throw invalid(text, `one of ${Object.keys(kinds).join(", ")}`);
  return [name === "disk-full" ? "diskFull" : name, parse(value)];
}

function parseShare(text: string): number {
  const share = Number(text);
  if (text === "" || !(share >= 0 && share <= 1)) throw invalid(text, "a share from 0 to 1");
  return share;
}

function parseRate(text: string): number {
  const rate = Number(/^([\d.]+)\/s$/.exec(text)?.[1]);
  if (!(rate >= 0)) throw invalid(text, "a rate");
  return rate;
}

function parseTime(text: string): number {
  const [, number, unit] = /^(-?[\d.]+)(ms|s)$/.exec(text.trim()) ?? [];
  return Number(number) * (unit === "s" ? 1_000 : 1);
}

function invalid(text: string, wanted: string) {
  return failure(ErrorReason.INVALID_ARGUMENT, `${JSON.stringify(text)} is no fault: ${wanted} was expected`, {
    metadata: { field: "--fault", rule: wanted },
    remedy: "write faults as drop=0.01,delay=50ms..500ms,kill=0.001/s",
  });
}
