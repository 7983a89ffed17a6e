// The one way to run an operation on a provider, for direct clients and for commands of the fleet alike: bounded
// concurrency, deadlines, and one change at a time.
import { create, type Message } from "@bufbuild/protobuf";
import { Platform } from "../gen/systemsmanager/options/v1/options_pb.js";
import { TelemetryService } from "../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import type { Operation } from "../shared/operations.js";
import { createSemaphore } from "../shared/semaphore.js";
import { StopController, type StopSignal } from "../shared/stop-controller.js";
import { untilAborted } from "../shared/until-aborted.js";
import type { OperationContext, OSProvider } from "./os-provider.js";

/** How long to run, and when to stop before that. */
export interface OperationCall {
  /** Aborted when the caller cancels; its reason is what the call then fails with. */
  readonly signal: StopSignal;
  readonly timeoutMs: number;
}

export interface OperationRunner {
  /** Reads and dry runs. BUSY when too many wait; DEADLINE_EXCEEDED. */
  read(operation: Operation, request: Message, call: OperationCall): Promise<Message>;
  /**
   * Changes the host. `begin` is awaited right before; when it rejects nothing runs, and once it was called the caller can cancel no
   * more. INDETERMINATE when the operation does not stop at its deadline.
   */
  change(operation: Operation, request: Message, call: OperationCall, begin: () => Promise<void>): Promise<Message>;
}

/** Bounds of what runs and waits. */
export interface RunnerLimits {
  readonly concurrentReads: number;
  readonly waitingReads: number;
  readonly waitingChanges: number;
  /** How long a change may take to stop after its deadline. */
  readonly stopGraceMs: number;
}

const defaultLimits: RunnerLimits = { concurrentReads: 8, waitingReads: 64, waitingChanges: 16, stopGraceMs: 30_000 };

/** Runs the provider's operations; the provider stays the caller's. */
export function createOperationRunner(
  provider: OSProvider,
  log: Logger,
  limits: Partial<RunnerLimits> = {},
): OperationRunner {
  const { concurrentReads, waitingReads, waitingChanges, stopGraceMs } = { ...defaultLimits, ...limits };
  const reads = createSemaphore("reads", concurrentReads, waitingReads);
  const changes = createSemaphore("changes", 1, waitingChanges);

  // `leave` is called when the handler returned, which may be later than its caller was answered.
  async function start(operation: Operation, request: Message, stop: StopController, leave: () => void) {
    try {
      const handler = findHandler(provider, operation);
      const context: OperationContext = {
        // Most operations neither stop for anything nor log.
        get signal() {
          return stop.toAbortSignal();
        },
        get log() {
          return log.child({ operation: operation.name });
        },
      };
      return create(operation.method.output, await handler(request, context));
    } finally {
      leave();
    }
  }

  async function read(operation: Operation, request: Message, { signal, timeoutMs }: OperationCall) {
    signal.throwIfAborted();
    const stop = stopAfter(timeoutMs, () => deadlineExceeded(operation, timeoutMs), signal);
    try {
      const leave = reads.tryAcquire() ?? (await reads.acquire(stop.controller));
      return await untilAborted(start(operation, request, stop.controller, leave), stop.controller);
    } finally {
      stop.clear();
    }
  }

  async function change(
    operation: Operation,
    request: Message,
    { signal, timeoutMs }: OperationCall,
    begin: () => Promise<void>,
  ) {
    const wait = stopAfter(timeoutMs, () => deadlineExceeded(operation, timeoutMs), signal);
    const end = stopAfter(timeoutMs, () => deadlineExceeded(operation, timeoutMs));
    const giveUp = stopAfter(timeoutMs + stopGraceMs, () => unstoppable(operation, stopGraceMs));
    try {
      const leave = await changes.acquire(wait.controller);
      const running = begin().then(
        () => start(operation, request, end.controller, leave),
        (error) => {
          leave();
          throw error;
        },
      );
      return await untilAborted(running, giveUp.controller);
    } finally {
      wait.clear();
      end.clear();
      giveUp.clear();
    }
  }

  return { read, change };
}

function findHandler(provider: OSProvider, operation: Operation) {
  const isTelemetry = operation.method.parent.typeName === TelemetryService.typeName;
  const handlers = isTelemetry ? provider.telemetry : provider.mutation;
  const platform = provider.platform === "linux" ? Platform.LINUX : Platform.WINDOWS;
  const handler = (handlers as Record<string, unknown>)[operation.method.localName];
  if (typeof handler === "function" && operation.option.platforms.includes(platform)) {
    return handler as (request: Message, context: OperationContext) => Promise<Record<string, unknown>>;
  }
  const needs = operation.option.platforms.map((each) => Platform[each].toLowerCase()).join(", ");
  throw failure(ErrorReason.UNSUPPORTED, `${operation.name} does not run on ${provider.platform}`, {
    metadata: { operation: operation.name, needs },
    remedy: `ask hosts that run ${needs}`,
  });
}

// Aborted with this error after this time, or with the other signal before.
function stopAfter(milliseconds: number, error: () => Error, other?: StopSignal) {
  const controller = new StopController();
  const timer = setTimeout(() => controller.abort(error()), milliseconds);
  const follow = () => controller.abort(other?.reason);
  if (other?.aborted) follow();
  else other?.addEventListener("abort", follow, { once: true });
  return {
    controller,
    clear() {
      clearTimeout(timer);
      other?.removeEventListener("abort", follow);
    },
  };
}

function deadlineExceeded(operation: Operation, milliseconds: number) {
  return failure(ErrorReason.DEADLINE_EXCEEDED, `${operation.name} had no answer within ${milliseconds} ms`, {
    metadata: { timeout: `${milliseconds}ms` },
    remedy: "allow more time, or ask for less",
  });
}

function unstoppable(operation: Operation, graceMs: number) {
  return failure(ErrorReason.INDETERMINATE, `${operation.name} did not stop within ${graceMs} ms of its deadline`, {
    metadata: {},
    remedy: "look at the host before trying again",
  });
}
