// From a verified command to its reply: a read runs once at a time, a change once for ever.
import { createHash } from "node:crypto";
import { create, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command, Invocation } from "../gen/systemsmanager/bus/v1/command_pb.js";
import { type Reply, ReplyOutcome, ReplySchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { planRequired } from "../mutation/mutation-service.js";
import type { OperationCall, OperationRunner } from "../providers/operation-runner.js";
import { decodeRequest } from "../shared/decode-request.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import { findOperation, isDryRun, type Operation, operations } from "../shared/operations.js";
import { failedReply, type ReplySubject, replyFields } from "../shared/reply.js";
import type { TraceHeaders } from "../tracing/trace-context.js";
import type { DaemonCounters } from "./daemon-counters.js";
import { entryOf, type Journal, type JournalEntry } from "./journal.js";
import { answerInSpan } from "./trace-operation.js";
import { verifyTime } from "./verify-command.js";

export interface CommandRunnerOptions {
  readonly hostId: string;
  readonly runner: OperationRunner;
  readonly journal: Journal;
  /** Takes every reply, attached or not. */
  readonly send: (reply: Reply) => void;
  readonly counters: DaemonCounters;
  readonly log: Logger;
  /** The host's clock. */
  readonly clock: () => number;
}

export interface CommandRunner {
  /** Resolves when the command is answered; never rejects. The command's origin was verified before. */
  run(command: Command, trace?: TraceHeaders): Promise<void>;
  /**
   * Answers for every change of an earlier process whose reply the bus does not have: its result, or INDETERMINATE when it did not
   * finish. Called once, before anything runs.
   */
  reportEarlierChanges(): void;
  /** The bus has this reply; never rejects. */
  confirm(reply: Reply): Promise<void>;
  /** Commands that run now, by id. */
  readonly running: ReadonlyMap<string, unknown>;
  /** Resolves when every command is answered. */
  idle(): Promise<void>;
  /** Takes no more commands, ends everything but a change that has begun, and resolves as idle does. */
  stop(): Promise<void>;
}

/** Largest answer that is sent, in bytes of the encoded response. */
export const maxAnswerBytes = 900 * 1024;

// Cancellations that came before their command are kept, so many of them.
const maxEarlyCancellations = 1_000;

export function createCommandRunner(options: CommandRunnerOptions): CommandRunner {
  const { hostId, journal, send, counters, log } = options;
  const running = new Map<string, { readonly stopping: AbortController; readonly answered: Promise<void> }>();
  const cancelledEarly = new Set<string>();
  let stopped = false;

  function cancel(commandId: string) {
    running.get(commandId)?.stopping.abort(cancelled(commandId));
    cancelledEarly.add(commandId);
    const [oldest] = cancelledEarly;
    if (cancelledEarly.size > maxEarlyCancellations && oldest) cancelledEarly.delete(oldest);
  }

  async function invoke(command: Command, invocation: Invocation, trace: TraceHeaders) {
    const { commandId } = command;
    // It stays unanswered; the fleet may send it to the next daemon of this host.
    if (stopped) return;
    if (running.has(commandId)) {
      counters.duplicates++;
      return;
    }
    const former = journal.find(commandId);
    if (former) {
      counters.fromJournal++;
      send(replyFromJournal(former, hostId));
      return;
    }
    const stopping = new AbortController();
    if (cancelledEarly.has(commandId)) stopping.abort(cancelled(commandId));
    const traced = { hostId, command, invocation, trace };
    const answered = answerInSpan(traced, () => answer(command, invocation, stopping.signal, options)).then(send);
    running.set(commandId, { stopping, answered });
    await answered.finally(() => running.delete(commandId));
  }

  async function idle() {
    await Promise.allSettled([...running.values()].map(({ answered }) => answered));
  }

  return {
    async run(command, trace = {}) {
      const { action } = command;
      try {
        if (action.case === "cancellation") cancel(action.value.commandId);
        if (action.case === "invocation") await invoke(command, action.value, trace);
      } catch (error) {
        log.error({ err: error, commandId: command.commandId }, "command could not be answered");
      }
    },
    reportEarlierChanges() {
      for (const entry of journal.unreported()) send(replyFromJournal(entry, hostId));
    },
    async confirm({ commandId }) {
      try {
        const entry = journal.find(commandId);
        if (entry && !entry.reported) await journal.write({ ...entry, reported: true });
      } catch (error) {
        log.warn(
          { err: error, commandId },
          "not noted that the reply arrived; it will be sent once more after a restart",
        );
      }
    },
    running,
    idle,
    stop() {
      stopped = true;
      for (const { stopping } of running.values()) stopping.abort(daemonStops(hostId));
      return idle();
    },
  };
}

// Never throws: whatever goes wrong is the answer.
async function answer(
  command: Command,
  invocation: Invocation,
  signal: AbortSignal,
  options: CommandRunnerOptions,
): Promise<Reply> {
  const subject = { command, hostId: options.hostId, startedAtMs: options.clock(), clock: options.clock };
  let isChange = operations.get(invocation.method)?.mutates === true;
  let reply: Reply;
  try {
    signal.throwIfAborted();
    verifyTime(command, options.clock());
    const operation = findOperation(invocation.method);
    const request = decodeRequest(operation, invocation.request);
    isChange = operation.mutates && !isDryRun(request);
    const call = { signal, timeoutMs: invocation.timeoutMilliseconds };
    const response = isChange
      ? await change(operation, request, call, command, invocation, options)
      : await options.runner.read(operation, request, call);
    reply = succeededReply(subject, operation, response, isChange);
  } catch (error) {
    reply = failedReply(subject, error);
  }
  // A refused change is final too: when it is delivered again it must not run after the run was told that it did not.
  if (isChange) await keep(reply, command, subject, options);
  return reply;
}

function change(
  operation: Operation,
  request: Message,
  call: OperationCall,
  command: Command,
  invocation: Invocation,
  { runner, journal, clock }: CommandRunnerOptions,
): Promise<Message> {
  if (!invocation.grant) throw planRequired(operation);
  if (timestampMs(command.issuedAt as Timestamp) < journal.sinceMs) throw journalLost(command, journal);
  return runner.change(operation, request, call, () => journal.write(entryOf(command, clock())));
}

async function keep(
  reply: Reply,
  command: Command,
  { startedAtMs }: ReplySubject,
  { journal, log }: CommandRunnerOptions,
): Promise<void> {
  try {
    await journal.write({ ...entryOf(command, startedAtMs), reply: toBinary(ReplySchema, reply) });
  } catch (error) {
    // The reply is true all the same; after a restart the journal will say indeterminate.
    log.error({ err: error, commandId: command.commandId }, "result of a change not written to the journal");
  }
}

function succeededReply(subject: ReplySubject, operation: Operation, response: Message, isChange: boolean): Reply {
  const body = toBinary(operation.method.output, response);
  if (body.length > maxAnswerBytes) throw tooLarge(operation, body.length, isChange);
  const bodyDigest = createHash("sha256").update(body).digest();
  return create(ReplySchema, { ...replyFields(subject), outcome: ReplyOutcome.OK, body, bodyDigest });
}

function replyFromJournal(entry: JournalEntry, hostId: string): Reply {
  if (entry.reply) return { ...fromBinary(ReplySchema, entry.reply), fromJournal: true };
  const subject = { command: entry, hostId, startedAtMs: entry.startedAtMs };
  return { ...failedReply(subject, indeterminate(entry)), fromJournal: true };
}

function indeterminate({ commandId, startedAtMs }: JournalEntry) {
  const startedAt = new Date(startedAtMs).toISOString();
  return failure(ErrorReason.INDETERMINATE, `the daemon stopped while the change that began at ${startedAt} ran`, {
    metadata: { command_id: commandId, started_at: startedAt },
    remedy: "look at the host, then make a new plan",
  });
}

function journalLost(command: Command, journal: Journal) {
  const issuedAt = timestampDate(command.issuedAt as Timestamp).toISOString();
  const since = new Date(journal.sinceMs).toISOString();
  return failure(
    ErrorReason.JOURNAL_LOST,
    `the change was issued at ${issuedAt}, before this host's journal began at ${since}`,
    {
      metadata: { issued_at: issuedAt, journal_since: since },
      remedy: "look at the host, then make a new plan",
    },
  );
}

function cancelled(commandId: string) {
  return failure(ErrorReason.CANCELLED, `command ${commandId} was cancelled`, {
    remedy: "ask again if it was a mistake",
  });
}

function daemonStops(hostId: string) {
  return failure(ErrorReason.UNREACHABLE, `the daemon of host ${hostId} is stopping`, {
    metadata: { address: hostId },
    remedy: "ask again when it is back",
  });
}

function tooLarge(operation: Operation, bytes: number, isChange: boolean) {
  const done = isChange ? "it was carried out, but its" : "its";
  return failure(
    ErrorReason.TOO_LARGE,
    `${operation.name}: ${done} answer has ${bytes} bytes, at most ${maxAnswerBytes} are sent`,
    {
      metadata: { bytes: String(bytes), limit: String(maxAnswerBytes) },
      remedy: "ask for less: filter, or set a smaller limit",
    },
  );
}
