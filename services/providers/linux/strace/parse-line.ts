// One line of strace -f -ttt -T -o: who, when, and what.
import { UnreadableError } from "./parse-values.js";

interface LineBase {
  readonly tid: number;
  /** Since the epoch. */
  readonly timeNs: bigint;
}

/** A call from its name to its result, or a part of it. */
export type StraceLine = LineBase &
  (
    | { readonly kind: "call"; readonly text: string }
    | { readonly kind: "begin"; readonly name: string; readonly text: string }
    | { readonly kind: "end"; readonly name: string; readonly text: string }
    | { readonly kind: "exit"; readonly status: number; readonly signal: string }
    /** The thread took over the place of its process's first one. */
    | { readonly kind: "superseded"; readonly by: number }
    /** Nothing that happened: a signal that came, a stop. */
    | { readonly kind: "other" }
  );

/** Throws UnreadableError. */
export function parseLine(line: string): StraceLine {
  const [, tid, seconds, micros, text] = /^(\d+) +(\d+)\.(\d{6}) (.*)$/s.exec(line) ?? [];
  if (text === undefined) throw new UnreadableError(`no line of strace: ${line.slice(0, 100)}`);
  const base = { tid: Number(tid), timeNs: BigInt(`${seconds}${micros}`) * 1_000n };
  return { ...base, ...parseText(text) };
}

type Content = StraceLine extends infer Line ? (Line extends LineBase ? Omit<Line, keyof LineBase> : never) : never;

function parseText(text: string): Content {
  if (text.startsWith("--- ")) return { kind: "other" };
  if (text.startsWith("+++ ")) return parseEnding(text);
  const resumed = /^<\.\.\. (\w+) resumed>(.*)$/s.exec(text);
  if (resumed) return { kind: "end", name: resumed[1] as string, text: resumed[2] as string };
  const name = nameOfCall(text);
  if (name === undefined) throw new UnreadableError(`no call: ${text.slice(0, 100)}`);
  const unfinished = /^(.*?) ?<unfinished \.\.\.>$/s.exec(text);
  if (unfinished) return { kind: "begin", name, text: unfinished[1] as string };
  return { kind: "call", text };
}

function parseEnding(text: string): Content {
  const exited = /^\+\+\+ exited with (\d+) \+\+\+$/.exec(text);
  if (exited) return { kind: "exit", status: Number(exited[1]), signal: "" };
  const killed = /^\+\+\+ killed by (\w+)(?: \(core dumped\))? \+\+\+$/.exec(text);
  if (killed) return { kind: "exit", status: 0, signal: killed[1] as string };
  const superseded = /^\+\+\+ superseded by execve in pid (\d+) \+\+\+$/.exec(text);
  if (superseded) return { kind: "superseded", by: Number(superseded[1]) };
  throw new UnreadableError(`no ending: ${text.slice(0, 100)}`);
}

/** The call that a line is of, as far as it can be told. */
export function nameOfCall(text: string): string | undefined {
  return /^(?:<\.\.\. )?([a-z]\w*)(?:\(| resumed>)/.exec(text)?.[1];
}
