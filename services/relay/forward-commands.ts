// Bus to daemons: each command goes to the attached ones among its targets, with the proof that they are.
import { setImmediate as yieldToEvents } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { IncomingMessage } from "../bus/bus.js";
import {
  type Command,
  type CommandEnvelope,
  CommandEnvelopeSchema,
  CommandSchema,
  type SignedCommand,
} from "../gen/systemsmanager/bus/v1/command_pb.js";
import type { Reply } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { OutgoingData } from "../shared/http2/outgoing-data.js";
import type { Logger } from "../shared/log.js";
import { failedReply } from "../shared/reply.js";
import { validate } from "../shared/validation.js";
import { type Context, SpanKind, startSpan } from "../tracing/spans.js";
import { readTraceContext, type TraceHeaders, writeTraceContext } from "../tracing/trace-context.js";
import { createDeliveryEncoder } from "./attach-messages.js";
import { type AttachedTarget, findAttachedTargets } from "./attached-targets.js";
import type { Attachment, AttachmentTable } from "./attachment-table.js";
import type { AwaitedReplies } from "./awaited-replies.js";
import type { RelayCounters } from "./relay-counters.js";
import { owesWord, withTaken } from "./tell-taken.js";
import type { TraceMemory } from "./trace-memory.js";

export interface ForwardCommandsOptions {
  readonly table: AttachmentTable;
  readonly counters: RelayCounters;
  readonly traces: Pick<TraceMemory, "remember">;
  readonly awaited: Pick<AwaitedReplies, "expect">;
  readonly log: Logger;
  /** Bytes that may wait for one daemon. */
  readonly maxQueuedBytesPerHost: number;
  readonly heartbeatIntervalMs: number;
  /** Publishes what the relay itself has to say for a host. */
  readonly reply: (reply: Reply) => void;
}

interface OpenedEnvelope {
  readonly envelope: CommandEnvelope;
  readonly signed: SignedCommand;
  readonly command: Command;
  readonly expiresAtMs: number;
}

// After so many deliveries other events get their turn.
const deliveriesPerTurn = 500;

/** A bus handler for the commands topic. It never rejects: a command that cannot be forwarded is counted and let go. */
export function createCommandForwarder(options: ForwardCommandsOptions): (message: IncomingMessage) => Promise<void> {
  const { table, counters, log } = options;
  return async (message) => {
    counters.commands++;
    try {
      const opened = openEnvelope(message.value);
      if (opened.expiresAtMs <= Date.now()) {
        counters.expiredCommands++;
        return;
      }
      const targets = findAttachedTargets(opened.envelope, opened.command, table.byHostId);
      if (targets.length > 0) await deliverInTrace(opened, targets, readTraceContext(message.headers), options);
    } catch (error) {
      counters.malformedCommands++;
      log.warn({ err: error, partition: message.partition, offset: String(message.offset) }, "command not forwarded");
    }
  };
}

function openEnvelope(bytes: Uint8Array): OpenedEnvelope {
  const envelope: CommandEnvelope = fromBinary(CommandEnvelopeSchema, bytes);
  validate(CommandEnvelopeSchema, envelope);
  const signed = envelope.signed as SignedCommand;
  const command = fromBinary(CommandSchema, signed.command);
  validate(CommandSchema, command);
  // Both are required by the schema.
  const expiresAtMs = timestampMs(command.expiresAt as Timestamp);
  return { envelope, signed, command, expiresAtMs };
}

// One span for all hosts; theirs hang below it.
async function deliverInTrace(
  opened: OpenedEnvelope,
  targets: readonly AttachedTarget[],
  trace: Context,
  options: ForwardCommandsOptions,
): Promise<void> {
  const attributes = { "systems_manager.run_id": opened.command.runId, "systems_manager.targets": targets.length };
  const span = startSpan("deliver command", SpanKind.CONSUMER, attributes, trace);
  const headers = writeTraceContext(span.context);
  options.traces.remember(opened.command.commandId, headers);
  options.awaited.expect(opened.command.commandId, targets.length);
  try {
    await deliver(opened, targets, headers, options);
    span.end();
  } catch (error) {
    span.end({ error });
    throw error;
  }
}

async function deliver(
  { signed, command }: OpenedEnvelope,
  targets: readonly AttachedTarget[],
  trace: TraceHeaders,
  options: ForwardCommandsOptions,
): Promise<void> {
  const encode = createDeliveryEncoder(signed, trace);
  for (const [turn, { attachment, proof }] of targets.entries()) {
    if (turn % deliveriesPerTurn === deliveriesPerTurn - 1) await yieldToEvents();
    deliverTo(attachment, encode(proof), command, options);
  }
}

function deliverTo(
  attachment: Attachment,
  frame: OutgoingData,
  command: Command,
  { counters, heartbeatIntervalMs, maxQueuedBytesPerHost, reply }: ForwardCommandsOptions,
): void {
  const queued = attachment.stream.queuedBytes();
  if (queued > 0 && queued + frame.bytes > maxQueuedBytesPerHost) {
    counters.busyDeliveries++;
    const subject = { command, hostId: attachment.facts.hostId, startedAtMs: Date.now() };
    reply(failedReply(subject, busy(maxQueuedBytesPerHost)));
    return;
  }
  const now = performance.now();
  const owes = owesWord(attachment, now, heartbeatIntervalMs / 2);
  attachment.stream.send(owes ? withTaken(attachment, frame, now) : frame);
  attachment.lastSent = now;
  counters.deliveries++;
}

function busy(capacity: number) {
  return failure(
    ErrorReason.BUSY,
    `the host's daemon takes nothing at present; ${capacity} bytes already wait for it`,
    {
      metadata: { queue: "relay to daemon", capacity: String(capacity) },
      remedy: "try again later, or look at the host's load and network",
    },
  );
}
