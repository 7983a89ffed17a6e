// One trace session on many hosts, as runs: one starts it on every host, others read it, one stops it. So whoever answered is
// accounted for each time, and a session that nobody stops ends by itself.
import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import type { TraceRequest } from "../../gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import { TelemetryService } from "../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { StartTraceSessionRequestSchema } from "../../gen/systemsmanager/telemetry/v1/trace_session_pb.js";
import { operationName } from "../../shared/operations.js";
import type { Inventory } from "../inventory/inventory.js";
import { discardRun } from "../results/retention.js";
import { prepareRead, prepareReadOf, type Question } from "../run/prepare-run.js";
import type { RunManager } from "../run/run-manager.js";
import type { TargetHost } from "../run/run-record.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";
import type { HostReading } from "./merge-readings.js";

/** What sessions stand on. */
export interface SessionParts {
  readonly database: StateDatabase;
  readonly inventory: Inventory;
  readonly runs: RunManager;
}

/** On whose behalf. */
export type Asking = Pick<Question, "principal" | "trace">;

const { startTraceSession, readTraceSession, stopTraceSession } = TelemetryService.method;
type SessionMethod = typeof readTraceSession | typeof stopTraceSession;

/** It runs on the hosts that could start it, until its end or until it is stopped. */
export class FleetSession {
  readonly sessionId: string;
  readonly started: TrackedRun;
  readonly startedAtMs = Date.now();
  readonly endsAtMs: number;
  readonly #parts: SessionParts;
  readonly #asking: Asking;
  readonly #hosts: readonly TargetHost[];
  #last: Promise<TrackedRun> | undefined;

  private constructor(parts: SessionParts, asking: Asking, sessionId: string, started: TrackedRun, duration: number) {
    this.sessionId = sessionId;
    this.started = started;
    this.endsAtMs = this.startedAtMs + duration;
    this.#parts = parts;
    this.#asking = asking;
    this.#hosts = started.targets.filter((_, index) => started.account.stateOf(index) === HostState.OK);
  }

  /** Resolves when every host has started it, or failed to. Throws as Run does. */
  static async start(parts: SessionParts, request: TraceRequest, asking: Asking): Promise<FleetSession> {
    const { selector, question, duration, cpuBudget } = request;
    const sessionId = `trace-${randomUUID()}`;
    const start = create(StartTraceSessionRequestSchema, { sessionId, question, duration, cpuBudget });
    const method = operationName(startTraceSession);
    const bytes = toBinary(StartTraceSessionRequestSchema, start);
    const run = await parts.runs.start(
      prepareRead(parts.inventory, { ...asking, selector, method, request: bytes, timeoutMs: undefined }),
    );
    await run.concluded;
    return new FleetSession(parts, asking, sessionId, run, duration ? durationMs(duration) : 0);
  }

  /** False when no host could start it. */
  get isAnywhere(): boolean {
    return this.#hosts.length > 0;
  }

  /** Resolves with what all its hosts have found so far. */
  async read(): Promise<{ run: TrackedRun; readings: HostReading[] }> {
    const run = await this.#ask(readTraceSession);
    return { run, readings: readingsOf(run, readTraceSession) };
  }

  /** Resolves with all that its hosts found; may be called again. */
  async stop(): Promise<{ run: TrackedRun; readings: HostReading[] }> {
    this.#last ??= this.#ask(stopTraceSession);
    const run = await this.#last;
    return { run, readings: readingsOf(run, stopTraceSession) };
  }

  /** Takes a read's run from disk: a later one says all that it does. */
  async discard({ record }: TrackedRun): Promise<void> {
    const { database, runs } = this.#parts;
    await discardRun(database, record, (runId) => runs.forget(runId));
  }

  async #ask(method: SessionMethod): Promise<TrackedRun> {
    const request = toBinary(method.input, create(method.input, { sessionId: this.sessionId }) as never);
    const { selector } = this.started.record;
    const question = { ...this.#asking, selector, method: operationName(method), request, timeoutMs: undefined };
    const run = await this.#parts.runs.start(prepareReadOf(this.#hosts, question));
    await run.concluded;
    return run;
  }
}

function readingsOf(run: TrackedRun, { output }: SessionMethod): HostReading[] {
  return run.groups().flatMap(({ digest, hosts }) => {
    const { reading } = fromBinary(output, run.bodyOf(digest)) as { reading?: HostReading["reading"] };
    return reading ? hosts.map((index) => ({ host: run.targets[index]?.name ?? "", reading })) : [];
  });
}
