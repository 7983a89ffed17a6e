// A whole system call of a thread.
import { parseErrno, parsePid, splitList, UnreadableError } from "./parse-values.js";

export interface SystemCall {
  readonly tid: number;
  readonly name: string;
  /** As strace wrote them. */
  readonly words: readonly string[];
  /** What it returned, or a negative errno. */
  readonly result: number;
  /** The result as strace wrote it: a descriptor has what it stands for. */
  readonly resultText: string;
  /** When it returned, since the epoch. */
  readonly timeNs: bigint;
  readonly durationNs: bigint;
}

const shape = /^(\w+)\((.*)\) += (.+?)(?: <(\d+)\.(\d{6})>)?$/s;

/**
 * Undefined for a call without a result: its thread ended within it, or it will begin anew. `timeNs` is when it was called, unless
 * `isEnd`. Throws UnreadableError.
 */
export function parseCall(text: string, tid: number, timeNs: bigint, isEnd: boolean): SystemCall | undefined {
  const [, name, list, resultText, seconds, micros] = shape.exec(text) ?? [];
  if (name === undefined || list === undefined || resultText === undefined) {
    throw new UnreadableError(`no call: ${text.slice(0, 100)}`);
  }
  if (resultText.startsWith("?")) return undefined;
  const durationNs = seconds === undefined ? 0n : BigInt(`${seconds}${micros}`) * 1_000n;
  return {
    tid,
    name,
    words: splitList(list),
    result: parseResult(resultText),
    resultText,
    timeNs: isEnd ? timeNs : timeNs + durationNs,
    durationNs,
  };
}

function parseResult(text: string): number {
  const failed = /^-1 (E\w+)/.exec(text);
  if (failed) return -parseErrno(failed[1] as string);
  if (text.endsWith("*/")) return parsePid(text);
  const [, number] = /^(-?\d+|0x[0-9a-f]+)/.exec(text) ?? [];
  if (number === undefined) throw new UnreadableError(`no result: ${text.slice(0, 100)}`);
  return Number(number);
}
