// Lines of strace as events: parts of a call that other threads' lines came between are joined, and every line that ought to be an event
// and cannot be read is told as such.
import { constants } from "node:os";
import type { CaptureEvent } from "../capture/decode-event.js";
import { sinceBoot } from "../trace/boot-clock.js";
import { describeCall, directoryOf, type EventDetail, filenameOf, makesThread } from "./describe-call.js";
import { nameOfCall, parseLine, type StraceLine } from "./parse-line.js";
import { UnreadableError } from "./parse-values.js";
import type { ProcessTable } from "./process-table.js";
import { kindsOf, type StraceKind } from "./strace-kinds.js";
import { parseCall, type SystemCall } from "./system-call.js";

/** An event but for its number. */
export type UnnumberedEvent = Omit<CaptureEvent, "sequence">;

export interface EventSink {
  onEvent(event: UnnumberedEvent): void;
  onUnreadable(kind: StraceKind): void;
}

/** One reader for one run of strace, which traces the calls of these kinds. */
export class EventReader {
  readonly #kinds: readonly StraceKind[];
  readonly #processes: ProcessTable;
  readonly #sink: EventSink;
  /** What a thread has begun, by thread. */
  readonly #begun = new Map<number, string>();
  /** Children that were told while their makers' calls went on, by maker. */
  readonly #told = new Map<number, number>();

  constructor(kinds: readonly StraceKind[], processes: ProcessTable, sink: EventSink) {
    this.#kinds = kinds;
    this.#processes = processes;
    this.#sink = sink;
  }

  read(line: string): void {
    try {
      this.#take(parseLine(line));
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      const text = line.replace(/^\d+ +[\d.]+ /, "");
      this.#noteUnreadable(nameOfCall(text));
    }
  }

  #take(line: StraceLine): void {
    const { tid, timeNs } = line;
    if (!this.#processes.knows(tid)) this.#meet(tid, timeNs);
    switch (line.kind) {
      case "begin":
        this.#begun.set(tid, line.text);
        return;
      case "call":
        this.#takeCall(parseCall(line.text, tid, timeNs, false));
        return;
      case "end": {
        const begun = this.#begun.get(tid);
        this.#begun.delete(tid);
        // A call that had begun before strace came has no begin to be told with.
        if (begun === undefined) throw new UnreadableError("a call has no begin");
        const call = parseCall(begun + line.text, tid, timeNs, true);
        if (call?.result !== this.#told.get(tid)) this.#takeCall(call);
        this.#told.delete(tid);
        return;
      }
      case "exit":
        this.#takeExit(tid, timeNs, line.status, line.signal);
        return;
      case "superseded":
        this.#supersede(tid, line.by);
        return;
      case "other":
        return;
    }
  }

  // What a child does can be written before its maker's call returns, and after a vfork it always is. Where one maker alone can have
  // made it, the child is told now; where several can, when the call returns.
  #meet(tid: number, timeNs: bigint): void {
    const [first, second] = [...this.#begun].filter(([maker, text]) => this.#canMake(maker, text, tid));
    if (!first) this.#processes.addThread(tid);
    if (!first || second) return;
    const [maker, text] = first;
    this.#told.set(maker, tid);
    const call = { name: nameOfCall(text) as string, words: [text], result: tid, resultText: String(tid) };
    this.#takeCall({ ...call, tid: maker, timeNs, durationNs: 0n });
  }

  #canMake(maker: number, text: string, tid: number): boolean {
    if (maker === tid || this.#told.has(maker) || !isOf("fork", nameOfCall(text))) return false;
    return this.#processes.canBeMadeBy(maker, tid);
  }

  #takeCall(call: SystemCall | undefined): void {
    if (!call) return;
    this.#learn(call);
    for (const kind of kindsOf(call.name, this.#kinds)) {
      try {
        for (const detail of describeCall(kind, call, this.#processes)) this.#tell(call.tid, call.timeNs, detail);
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error;
        this.#sink.onUnreadable(kind);
      }
    }
  }

  // Who the threads are, whether or not it was asked for.
  #learn(call: SystemCall): void {
    const { name, tid, result, timeNs } = call;
    if (isOf("exec", name) && result === 0) this.#processes.replaceProgram(tid, filenameOf(call));
    if (isOf("fork", name) && result > 0) this.#processes.addChild(tid, result, makesThread(call), timeNs);
    if (/^f?chdir$/.test(name) && result === 0) this.#processes.changeDirectory(tid, directoryOf(call));
  }

  #takeExit(tid: number, timeNs: bigint, status: number, signalName: string): void {
    const subject = this.#processes.subjectOf(tid);
    const lived = sinceBoot(timeNs) - this.#processes.beganOf(tid);
    const isProcess = this.#processes.remove(tid);
    this.#begun.delete(tid);
    this.#told.delete(tid);
    if (!this.#kinds.includes("exit")) return;
    const signal = signalName === "" ? 0 : ((constants.signals as Record<string, number>)[signalName] ?? 0);
    const ending = { livedNs: lived > 0n ? lived : 0n, status, signal, isProcess };
    this.#sink.onEvent({ kind: "exit", time: sinceBoot(timeNs), cpu: 0, subject, ...ending } as UnnumberedEvent);
  }

  // A thread that runs another program goes on under the number of its process.
  #supersede(tid: number, by: number): void {
    const begun = this.#begun.get(by);
    this.#begun.delete(by);
    if (begun !== undefined) this.#begun.set(tid, begun);
  }

  #tell(tid: number, timeNs: bigint, detail: EventDetail): void {
    const base = { time: sinceBoot(timeNs), cpu: 0, subject: this.#processes.subjectOf(tid) };
    this.#sink.onEvent({ ...base, ...detail } as UnnumberedEvent);
  }

  // A line whose call cannot be told counts with the first kind that was asked for.
  #noteUnreadable(call: string | undefined): void {
    const kind = call === undefined ? this.#kinds[0] : kindsOf(call, this.#kinds)[0];
    if (kind !== undefined) this.#sink.onUnreadable(kind);
  }
}

function isOf(kind: StraceKind, call: string | undefined): boolean {
  return call !== undefined && kindsOf(call, [kind]).length > 0;
}
