// The relay's side of one attach stream: Hello, Welcome, then replies up until it ends.
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Hello, WelcomeSchema } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { OutgoingData } from "../shared/http2/outgoing-data.js";
import type { Logger } from "../shared/log.js";
import { protocolVersion } from "../shared/version.js";
import { decodeDaemonMessage, encodeResponse } from "./attach-messages.js";
import type { AttachStream, AttachStreamEvents } from "./attach-stream.js";
import type { Attachment, AttachmentTable } from "./attachment-table.js";
import { checkHello } from "./check-hello.js";
import type { ReplyForwarder } from "./forward-replies.js";
import type { RelayCounters } from "./relay-counters.js";
import { createStreamReplies } from "./stream-replies.js";
import { tellTaken } from "./tell-taken.js";

export interface ServeAttachOptions {
  readonly table: AttachmentTable;
  readonly relayId: string;
  readonly heartbeatIntervalMs: number;
  readonly helloTimeoutMs: number;
  readonly forwardReply: ReplyForwarder["forward"];
  readonly counters: RelayCounters;
  /** True when the relay takes no new daemons. */
  readonly isDraining: () => boolean;
  readonly log: Logger;
}

/** What to do with the events of a new stream. */
export function serveAttach(stream: AttachStream, options: ServeAttachOptions): AttachStreamEvents {
  const { table, counters, log } = options;
  let attachment: Attachment | undefined;
  const replies = createStreamReplies(stream, options.forwardReply);
  const helloTimer = setTimeout(() => stream.end(noHello(options.helloTimeoutMs)), options.helloTimeoutMs);

  function attach(hello: Hello) {
    if (attachment) throw outOfPlace("a second hello");
    if (options.isDraining()) throw stopping(options.relayId);
    const facts = checkHello(hello);
    clearTimeout(helloTimer);
    stream.send(welcome(options));
    attachment = table.attach({ facts, claimedNumber: hello.attachment, stream, takenReplies: replies.taken });
    counters.attachments++;
    log.info({ hostId: facts.hostId, name: facts.name, attachment: String(attachment.number) }, "host attached");
  }

  return {
    onMessage(bytes) {
      const message = decodeDaemonMessage(bytes);
      if (message.case === "hello") return attach(message.hello);
      if (!attachment) throw outOfPlace(`${message.case} before hello`);
      attachment.lastReceived = performance.now();
      if (message.case !== "reply") return;
      if (message.reply.hostId !== attachment.facts.hostId) throw outOfPlace(`a reply of host ${message.reply.hostId}`);
      replies.forward(message.reply);
    },
    async onEnd() {
      await replies.settled();
      if (attachment) tellTaken(attachment, performance.now());
    },
    onClose(error) {
      clearTimeout(helloTimer);
      if (error !== undefined) counters.failedStreams++;
      if (attachment) table.detach(attachment);
      log.info({ err: error, hostId: attachment?.facts.hostId }, "attach stream ended");
    },
  };
}

function welcome({ relayId, heartbeatIntervalMs }: ServeAttachOptions): OutgoingData {
  const heartbeatInterval = durationFromMs(heartbeatIntervalMs);
  return encodeResponse({
    case: "welcome",
    value: create(WelcomeSchema, { relayId, protocolVersion, heartbeatInterval }),
  });
}

function stopping(relayId: string) {
  return failure(ErrorReason.UNREACHABLE, `relay ${relayId} is stopping`, {
    metadata: { address: relayId },
    remedy: "attach to another relay",
  });
}

function outOfPlace(what: string) {
  return failure(ErrorReason.INVALID_ARGUMENT, `${what} is out of place on this attach stream`, {
    metadata: { field: "message", rule: "attach.order" },
    remedy: "send hello first and once, then the host's own replies and heartbeats",
  });
}

function noHello(milliseconds: number) {
  return failure(ErrorReason.DEADLINE_EXCEEDED, `no hello within ${milliseconds} ms`, {
    metadata: { timeout: `${milliseconds}ms` },
    remedy: "send hello as the first message",
  });
}
