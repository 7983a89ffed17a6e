// Aggregations of this build, and programs that do exactly what they are told.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import type { AggregationQuestion } from "../../../../services/providers/linux/aggregate/aggregation-question.js";
import type { AggregationReading } from "../../../../services/providers/linux/aggregate/decode-reading.js";
import type { AggregationAddon } from "../../../../services/providers/linux/aggregate/native-aggregation.js";
import { type Aggregation, openAggregation } from "../../../../services/providers/linux/aggregate/open-aggregation.js";
import { waitFor } from "../../../shared/wait-for.js";
import { stateOf } from "../real-processes.js";
import { addon as tracingAddon } from "../require-tracing.js";

export const addon = tracingAddon as unknown as AggregationAddon;

/** The last reading. Checks on the way that everything is accounted for, to the unit. */
export async function countWhile(
  question: AggregationQuestion,
  action: (aggregation: Aggregation) => Promise<unknown> | unknown,
): Promise<AggregationReading> {
  const aggregation = await openAggregation(addon, question);
  try {
    await action(aggregation);
  } finally {
    await aggregation.close();
  }
  const last = await aggregation.close();
  expectIdentity(last);
  expect(last.underWay).toBe(0);
  expect(last.attempted).toBe(last.filtered + last.unmatched + last.other + sumOf(last.rows));
  return last;
}

/** What holds of every reading. */
export function expectIdentity(reading: AggregationReading): void {
  expect(sumOf(reading.rows) + reading.other).toBe(reading.total);
  expect(reading.underWay).toBeGreaterThanOrEqual(0);
  for (const { count, slots } of reading.rows) if (slots) expect(sum(slots)).toBe(count);
}

export function sumOf(rows: AggregationReading["rows"]): number {
  return sum(rows.map(({ count }) => count));
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** [text, count] of each row, the greatest first. */
export function countsOf({ rows }: AggregationReading): [string, number][] {
  return rows
    .map(({ key, count }): [string, number] => [key.text, count])
    .sort(([text, count], [other, otherCount]) => otherCount - count || (text < other ? -1 : 1));
}

/** A process named "perl" that runs lines of Perl, one after the other. */
export class Doer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor() {
    const loop = '$| = 1; while (<STDIN>) { eval $_; print $@ eq "" ? "done\\n" : $@; }';
    this.#child = spawn("perl", ["-e", loop], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface(this.#child.stdout as never)[Symbol.asyncIterator]();
  }

  /** Ready for its first line. */
  static async start(): Promise<Doer> {
    const doer = new Doer();
    await doer.do("1");
    return doer;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Resolves when it has done the line. */
  async do(line: string): Promise<void> {
    this.#child.stdin?.write(`${line}\n`);
    const { value } = await this.#lines.next();
    if (value !== "done") throw new Error(`${line}: ${value}`);
  }

  /** Resolves when it waits for its next line: in a call that has begun. */
  async waits(): Promise<void> {
    await waitFor(() => stateOf(this.pid) === "S", `perl ${this.pid} to wait for a line`);
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await once(this.#child, "exit");
  }
}

/** With processes that end afterwards. */
export async function withDoers(count: number, action: (doers: Doer[]) => Promise<void>): Promise<void> {
  const doers = await Promise.all(Array.from({ length: count }, Doer.start));
  try {
    await action(doers);
  } finally {
    await Promise.all(doers.map((doer) => doer.end()));
  }
}
