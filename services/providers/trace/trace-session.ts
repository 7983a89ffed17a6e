// One session: an investigation with an end and a budget. Its last reading outlives it.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { TraceDetail, type TraceReadingSchema, TraceState } from "../../gen/systemsmanager/trace/v1/reading_pb.js";
import type { Logger } from "../../shared/log.js";
import { type CpuWatch, watchCpu } from "./cpu-watch.js";
import type { Findings, Investigation } from "./investigation.js";

export interface SessionOptions {
  readonly durationMs: number;
  /** Share of one CPU. */
  readonly cpuBudget: number;
  readonly log: Logger;
}

export type Reading = MessageInitShape<typeof TraceReadingSchema>;

/** Open until it ends by itself or is stopped. */
export class TraceSession {
  readonly startedAtMs = Date.now();
  readonly endsAtMs: number;
  readonly #investigation: Investigation;
  readonly #log: Logger;
  readonly #ending: NodeJS.Timeout;
  readonly #cpu: CpuWatch;
  #detail = TraceDetail.FULL;
  #state = TraceState.RUNNING;
  #last: Promise<Reading> | undefined;
  #noteEnd: () => void = () => undefined;
  /** Resolves when it has ended, however it did. */
  readonly ended = new Promise<void>((resolve) => {
    this.#noteEnd = resolve;
  });

  constructor(investigation: Investigation, { durationMs, cpuBudget, log }: SessionOptions) {
    this.#investigation = investigation;
    this.#log = log;
    this.endsAtMs = this.startedAtMs + durationMs;
    this.#ending = setTimeout(() => void this.#end(TraceState.ENDED), durationMs).unref();
    this.#cpu = watchCpu(cpuBudget, (share) => this.#degrade(share, cpuBudget));
  }

  get backend(): string {
    return this.#investigation.backend;
  }

  get notes(): readonly string[] {
    return this.#investigation.notes;
  }

  get detail(): TraceDetail {
    return this.#detail;
  }

  get state(): TraceState {
    return this.#state;
  }

  /** What it has found so far, or all of it. */
  read(): Promise<Reading> {
    return this.#last ?? this.#investigation.read().then((findings) => this.#readingOf(findings));
  }

  /** Resolves with all that it found. */
  stop(): Promise<Reading> {
    return this.#end(TraceState.STOPPED);
  }

  #end(state: TraceState): Promise<Reading> {
    this.#last ??= this.#close(state);
    return this.#last;
  }

  async #close(state: TraceState): Promise<Reading> {
    clearTimeout(this.#ending);
    this.#cpu.stop();
    try {
      const findings = await this.#investigation.close();
      this.#state = state;
      return this.#readingOf(findings);
    } catch (error) {
      this.#log.error({ err: error }, "a trace session could not be ended");
      this.#state = TraceState.FAILED;
      return this.#readingOf({ notes: [`its end failed: ${error instanceof Error ? error.message : String(error)}`] });
    } finally {
      this.#noteEnd();
    }
  }

  #degrade(share: number, budget: number): void {
    const before = this.#detail;
    this.#detail = this.#investigation.degrade();
    if (this.#detail === before) return;
    this.#log.warn(
      { share, budget, detail: TraceDetail[this.#detail] },
      "a trace session exceeds its budget and tells less",
    );
  }

  #readingOf(findings: Findings): Reading {
    return {
      ...findings,
      state: this.#state,
      startedAt: timestampFromMs(this.startedAtMs),
      elapsed: durationFromMs(Math.min(Date.now(), this.endsAtMs) - this.startedAtMs),
      detail: this.#detail,
      backend: this.backend,
      notes: [...this.notes, ...(findings.notes ?? [])],
    };
  }
}
