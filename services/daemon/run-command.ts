// From a verified command to its reply: a read runs once at a time, a change once for ever.
import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command, Invocation } from "../gen/systemsmanager/bus/v1/command_pb.js";
import { type Reply, ReplySchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { planRequired } from "../mutation/mutation-service.js";
import type { OperationCall, OperationRunner } from "../providers/operation-runner.js";
import { decodeRequest } from "../shared/decode-request.js";
import type { Logger } from "../shared/log.js";
import { findOperation, isDryRun, type Operation, operations } from "../shared/operations.js";
import { failedReply, okReply, type ReplySubject } from "../shared/reply.js";
import { sha256 } from "../shared/sha256.js";
import { StopController, type StopSignal } from "../shared/stop-controller.js";
import type { TraceHeaders } from "../tracing/trace-context.js";
import { cancelled, daemonStops, indeterminate, journalLost, maxAnswerBytes, tooLarge } from "./command-failures.js";
import type { DaemonCounters } from "./daemon-counters.js";
import { entryOf, type Journal, type JournalEntry } from "./journal.js";
import { answerInSpan } from "./trace-operation.js";
import { createUnkeptReplies } from "./unkept-replies.js";
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

// Cancellations that came before their command are kept, so many of them.
const maxEarlyCancellations = 1_000;

export function createCommandRunner(options: CommandRunnerOptions): CommandRunner {
  const { hostId, journal, send, counters, log } = options;
  const running = new Map<string, { readonly stopping: StopController; readonly answered: Promise<void> }>();
  const cancelledEarly = new Set<string>();
  const unkept = createUnkeptReplies();
  // Changes whose reply the bus may not have: the journal is told when it has.
  const unconfirmed = new Set<string>();
  let stopped = false;

  function cancel(commandId: string) {
    running.get(commandId)?.stopping.abort(cancelled(commandId));
    cancelledEarly.add(commandId);
    const [oldest] = cancelledEarly;
    if (cancelledEarly.size > maxEarlyCancellations && oldest) cancelledEarly.delete(oldest);
  }

  // Reads leave no trace: they run again.
  function formerReply(commandId: string, { method }: Invocation): Reply | undefined {
    if (operations.get(method)?.mutates !== true) return undefined;
    const entry = journal.find(commandId);
    return unkept.find(commandId) ?? (entry && replyFromJournal(entry, hostId));
  }

  // A refused change is final too: when it is delivered again it must not run after the run was told that it did not.
  async function keep(reply: Reply, command: Command, startedAtMs: number) {
    unconfirmed.add(command.commandId);
    try {
      await journal.write({ ...entryOf(command, startedAtMs), reply: toBinary(ReplySchema, reply) });
    } catch (error) {
      unkept.add(reply);
      log.error({ err: error, commandId: command.commandId }, "result of a change not written to the journal");
    }
  }

  const answering = { ...options, keep };

  async function invoke(command: Command, invocation: Invocation, trace: TraceHeaders) {
    const { commandId } = command;
    // It stays unanswered; the fleet may send it to the next daemon of this host.
    if (stopped) return;
    if (running.has(commandId)) {
      counters.duplicates++;
      return;
    }
    const former = formerReply(commandId, invocation);
    if (former) {
      counters.fromJournal++;
      unconfirmed.add(commandId);
      send(former);
      return;
    }
    const stopping = new StopController();
    if (cancelledEarly.has(commandId)) stopping.abort(cancelled(commandId));
    const traced = { hostId, command, invocation, trace };
    const answered = answerInSpan(traced, () => answer(command, invocation, stopping, answering)).then(send);
    running.set(commandId, { stopping, answered });
    try {
      await answered;
    } finally {
      running.delete(commandId);
    }
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
      for (const entry of journal.unreported()) {
        unconfirmed.add(entry.commandId);
        send(replyFromJournal(entry, hostId));
      }
    },
    async confirm({ commandId }) {
      if (!unconfirmed.delete(commandId)) return;
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

type KeepReply = (reply: Reply, command: Command, startedAtMs: number) => Promise<void>;

// Never throws: whatever goes wrong is the answer.
async function answer(
  command: Command,
  invocation: Invocation,
  signal: StopSignal,
  options: CommandRunnerOptions & { readonly keep: KeepReply },
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
  if (isChange) await options.keep(reply, command, subject.startedAtMs);
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

function succeededReply(subject: ReplySubject, operation: Operation, response: Message, isChange: boolean): Reply {
  const body = toBinary(operation.method.output, response);
  if (body.length > maxAnswerBytes) throw tooLarge(operation, body.length, isChange);
  return okReply(subject, body, sha256(body));
}

function replyFromJournal(entry: JournalEntry, hostId: string): Reply {
  if (entry.reply) return { ...fromBinary(ReplySchema, entry.reply), fromJournal: true };
  const subject = { command: entry, hostId, startedAtMs: entry.startedAtMs };
  return { ...failedReply(subject, indeterminate(entry)), fromJournal: true };
}
