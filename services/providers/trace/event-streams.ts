// Sessions whose events go to one client as they happen.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { TraceEventsResponseSchema } from "../../gen/systemsmanager/trace/v1/trace_service_pb.js";
import type { Logger } from "../../shared/log.js";
import { settled } from "../../shared/settled.js";
import type { TraceEvents } from "../os-provider.js";
import type { EventStream, OpenEventStream } from "./investigation.js";
import { TraceSession } from "./trace-session.js";
import { defaultCpuBudget, type TraceSessions } from "./trace-sessions.js";

type Response = MessageInitShape<typeof TraceEventsResponseSchema>;

const accountsEveryMs = 1_000;

/** Streams that count among these sessions; one ends at once when its signal is aborted. */
export function createEventStreams(open: OpenEventStream, sessions: TraceSessions, log: Logger): TraceEvents {
  return async function* traceEvents(request, signal) {
    const { duration, cpuBudget } = request;
    const opened = sessions.admit(async () => {
      const stream = await open(request);
      const limits = { durationMs: duration ? durationMs(duration) : 0, cpuBudget: cpuBudget || defaultCpuBudget };
      const session = new StreamSession(stream, { ...limits, log });
      // A reader who is gone never comes back for the next batch.
      if (signal.aborted) void session.stop();
      else signal.addEventListener("abort", () => void session.stop(), { once: true });
      return session;
    });
    const session = (await opened) as StreamSession;
    try {
      yield* session.responses();
    } finally {
      await session.stop();
    }
  };
}

class StreamSession extends TraceSession {
  readonly #stream: EventStream;

  constructor(stream: EventStream, options: ConstructorParameters<typeof TraceSession>[1]) {
    super(stream, options);
    this.#stream = stream;
  }

  /** The next batch is taken when the reader comes back for it. */
  async *responses(): AsyncGenerator<Response> {
    yield { backend: this.backend, notes: [...this.notes] };
    const batches = this.#stream.batches()[Symbol.asyncIterator]();
    const take = () => {
      const next = batches.next();
      // Told to the reader, if it comes back.
      void settled(next);
      return next;
    };
    let next = take();
    for (let toldAt = performance.now(); ; ) {
      const batch = await withinMs(next, toldAt + accountsEveryMs - performance.now());
      if (batch?.done) break;
      const isDue = performance.now() - toldAt >= accountsEveryMs;
      if (isDue) toldAt = performance.now();
      yield { events: batch?.value ?? [], ...(isDue ? await this.#describe() : {}) };
      if (batch) next = take();
    }
    await this.ended;
    yield await this.#describe();
  }

  async #describe(): Promise<Response> {
    const { accounts = [] } = await this.#stream.read();
    return { accounts, detail: this.detail, state: this.state };
  }
}

/** Undefined when it takes longer. */
async function withinMs<Result>(promise: Promise<Result>, milliseconds: number): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
