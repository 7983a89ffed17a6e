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
import { buildTargetTree, type TargetTree } from "../identity/target-tree.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import { failedReply } from "../shared/reply.js";
import { validate } from "../shared/validation.js";
import { createDeliveryEncoder } from "./attach-messages.js";
import type { Attachment, AttachmentTable } from "./attachment-table.js";
import type { RelayCounters } from "./relay-counters.js";

export interface ForwardCommandsOptions {
  readonly table: AttachmentTable;
  readonly counters: RelayCounters;
  readonly log: Logger;
  /** Bytes that may wait for one daemon. */
  readonly maxQueuedBytesPerHost: number;
  /** Publishes what the relay itself has to say for a host. */
  readonly reply: (reply: Reply) => void;
}

interface OpenedEnvelope {
  readonly signed: SignedCommand;
  readonly command: Command;
  readonly expiresAtMs: number;
  readonly targets: readonly string[];
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
      await deliverToAttached(opened, attachedAmong(opened.targets, table), options);
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
  return { signed, command, expiresAtMs, targets: envelope.targetHostIds };
}

function attachedAmong(targets: readonly string[], table: AttachmentTable): [index: number, attachment: Attachment][] {
  const found: [number, Attachment][] = [];
  for (const [index, hostId] of targets.entries()) {
    const attachment = table.byHostId.get(hostId);
    if (attachment) found.push([index, attachment]);
  }
  return found;
}

async function deliverToAttached(
  { signed, command, targets }: OpenedEnvelope,
  attached: readonly [number, Attachment][],
  options: ForwardCommandsOptions,
): Promise<void> {
  if (attached.length === 0) return;
  const tree = checkedTree(command, targets);
  const encode = createDeliveryEncoder(signed);
  for (const [turn, [index, attachment]] of attached.entries()) {
    if (turn % deliveriesPerTurn === deliveriesPerTurn - 1) await yieldToEvents();
    deliver(attachment, encode(tree.prove(index)), command, options);
  }
}

// Daemons would refuse targets that the fleet did not sign; better to say so once, here.
function checkedTree(command: Command, targets: readonly string[]): TargetTree {
  const tree = buildTargetTree(targets);
  if (tree.size === command.targetCount && Buffer.from(tree.root).equals(command.targetRoot)) return tree;
  const detail = `the ${targets.length} targets of command ${command.commandId} are not those that were signed`;
  throw failure(ErrorReason.MALFORMED_ENVELOPE, detail, {
    metadata: { detail },
    remedy: "sort the targets before the tree is built",
  });
}

function deliver(
  attachment: Attachment,
  frame: readonly Uint8Array[],
  command: Command,
  { counters, maxQueuedBytesPerHost, reply }: ForwardCommandsOptions,
): void {
  const queued = attachment.stream.queuedBytes();
  if (queued > 0 && queued + lengthOf(frame) > maxQueuedBytesPerHost) {
    counters.busyDeliveries++;
    const subject = { command, hostId: attachment.facts.hostId, startedAtMs: Date.now() };
    reply(failedReply(subject, busy(maxQueuedBytesPerHost)));
    return;
  }
  attachment.stream.send(frame);
  attachment.lastSent = performance.now();
  counters.deliveries++;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
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
