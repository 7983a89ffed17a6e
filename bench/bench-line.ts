// One measured claim, and how it is printed.

export interface BenchLine {
  bench: string;
  claim: string;
  unit: string;
  value: number;
  /** The same measured on something else in the same run. */
  peer?: { name: string; value: number };
  /** value / peer.value. */
  ratio?: number;
  /** "<= 15", ">= 1000": about value, or about ratio when written "ratio <= 0.5". */
  goal?: string;
  /** Computed from the figures; absent without a goal. */
  met?: boolean;
}

/** A line with ratio and met computed from the figures. */
export function benchLine(measured: Omit<BenchLine, "ratio" | "met">): BenchLine {
  const ratio = measured.peer ? measured.value / measured.peer.value : undefined;
  const line: BenchLine = { ...measured, ...(ratio === undefined ? {} : { ratio }) };
  return measured.goal === undefined ? line : { ...line, met: meets(measured.goal, measured.value, ratio) };
}

/** For people. */
export function formatBenchLine(line: BenchLine): string {
  const peer = line.peer
    ? `; ${line.peer.name} ${round(line.peer.value)}, ratio ${round(line.ratio ?? Number.NaN)}`
    : "";
  const goal = line.goal ? `; goal ${line.goal} ${line.met ? "met" : "MISSED"}` : "";
  return `${line.bench}: ${line.claim}: ${round(line.value)} ${line.unit}${peer}${goal}`;
}

/** The middle value; the mean of the two middle ones of an even count. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] as number;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] as number;
  return (lower + upper) / 2;
}

function meets(goal: string, value: number, ratio: number | undefined): boolean {
  const match = /^(ratio )?(<=|>=) ([0-9.]+)$/.exec(goal);
  if (!match) throw new RangeError(`the goal ${JSON.stringify(goal)} is not like "<= 15" or "ratio >= 2"`);
  const measured = match[1] ? ratio : value;
  if (measured === undefined) return false;
  return match[2] === "<=" ? measured <= Number(match[3]) : measured >= Number(match[3]);
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
