// The relay: joins the bus to daemons that have no broker credentials and no inbound port. It passes signed commands down and
// replies up, says who is attached, and can neither sign nor forge.
import { randomUUID } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import type { Bus, MessageBound } from "../bus/bus.js";
import { ReplySchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { ListenAddress, TlsIdentity } from "../shared/http2-listener.js";
import { warnOfPlainText } from "../shared/http2-listener.js";
import type { Logger } from "../shared/log.js";
import { startAttachServer } from "./attach-server.js";
import { createAttachmentTable } from "./attachment-table.js";
import { createAwaitedReplies } from "./awaited-replies.js";
import { drainDaemons } from "./drain-daemons.js";
import { createCommandForwarder } from "./forward-commands.js";
import { createReplyForwarder } from "./forward-replies.js";
import { createPresencePublisher } from "./publish-presence.js";
import { readReply } from "./read-reply.js";
import { createRelayCounters, type RelayCounters } from "./relay-counters.js";
import { measureReplies, measureStreams, type RelayGauges } from "./relay-gauges.js";
import type { ReplySource } from "./reply-lane.js";
import { serveAttach } from "./serve-attach.js";
import { startSweeping } from "./sweep-attachments.js";
import { createTraceMemory } from "./trace-memory.js";

export interface RelayOptions {
  /** Stays the caller's: closed after the relay. */
  readonly bus: Bus;
  readonly fleetId: string;
  /** Names the relay's consumer group: the same id goes on where it stopped. Random when absent. */
  readonly relayId?: string;
  readonly listen: ListenAddress;
  readonly tls?: TlsIdentity;
  readonly log: Logger;
  readonly heartbeatIntervalMs?: number;
  /** How often the relay tells the fleet that it lives. */
  readonly presenceIntervalMs?: number;
  /** Bytes that may wait for one daemon; a command beyond is answered BUSY. */
  readonly maxQueuedBytesPerHost?: number;
  readonly helloTimeoutMs?: number;
  /** How long close() lets daemons finish what they do. */
  readonly drainMs?: number;
  /** How long replies are kept that the bus cannot take; then their daemons have to bring them again. */
  readonly replyPatienceMs?: number;
  /** Replies that may wait for the bus; whoever brings more is not read until there is room. */
  readonly maxWaitingReplies?: MessageBound;
}

export interface Relay {
  /** What daemons dial. */
  readonly url: string;
  readonly relayId: string;
  counters(): Readonly<RelayCounters>;
  gauges(): RelayGauges;
  /** Takes no new daemons, tells its own to go elsewhere, waits for them, has their replies published, then ends all streams. */
  close(): Promise<void>;
}

const defaults = {
  heartbeatIntervalMs: 10_000,
  maxQueuedBytesPerHost: 4 * 1024 * 1024,
  helloTimeoutMs: 10_000,
  drainMs: 10_000,
  presenceIntervalMs: 5_000,
  replyPatienceMs: 10_000,
  maxWaitingReplies: { messages: 20_000, bytes: 64 * 1024 * 1024 },
};

const closeGraceMs = 1_000;

/** Resolves when daemons can attach and commands flow. */
export async function startRelay(relayOptions: RelayOptions): Promise<Relay> {
  const relayId = relayOptions.relayId ?? `relay-${randomUUID()}`;
  const log = relayOptions.log.child({ relayId });
  const options = { ...defaults, ...relayOptions, relayId, log };
  warnOfPlainText(options.listen, options.tls, log);
  const counters = createRelayCounters();
  const table = createAttachmentTable((attachment, online) => presence.publish(attachment, online));
  const presence = createPresencePublisher({ ...options, attached: () => table.byHostId.size });
  let draining = false;
  const traces = createTraceMemory();
  const awaited = createAwaitedReplies();
  const replies = createReplyForwarder({ ...options, counters, traces, awaited });
  const forwardCommand = createCommandForwarder({
    ...options,
    table,
    counters,
    traces,
    awaited,
    reply: (reply) => replies.forward(readReply(Buffer.from(toBinary(ReplySchema, reply))), ownReplies(log), 0),
  });
  // Before daemons can attach, so that no command passes unseen once the fleet knows of a host.
  const group = `${options.fleetId}.relay.${relayId}`;
  const commands = await options.bus.subscribe(
    { topic: "commands", group, from: "latest", alone: true },
    forwardCommand,
  );
  const serveOptions = { ...options, table, counters, forwardReply: replies.forward, isDraining: () => draining };
  await presence.start();
  const server = await startAttachServer({
    ...options,
    idleMs: Math.max(60_000, 6 * options.heartbeatIntervalMs),
    onAttach: (stream) => serveAttach(stream, serveOptions),
  }).catch(async (error) => {
    await commands.close();
    await presence.close();
    throw error;
  });
  const stopSweeping = startSweeping(table, options.heartbeatIntervalMs);
  log.info({ url: server.url }, "relay serves");
  return {
    url: server.url,
    relayId,
    counters: () => ({ ...counters }),
    gauges: () => ({ ...measureStreams(table), ...measureReplies(replies), pendingPresence: presence.pending() }),
    async close() {
      draining = true;
      server.stopListening();
      // Commands flow until the daemons are elsewhere; what they leave unanswered they answer there.
      await drainDaemons(table, options.drainMs);
      await commands.close();
      stopSweeping();
      await server.close(closeGraceMs);
      await replies.close();
      await presence.close();
    },
  };
}

// What the relay itself has to say. Nobody can bring it again, and the run learns by its deadline.
function ownReplies(log: Logger): ReplySource {
  return {
    taken: () => undefined,
    refused: (error) => log.warn({ err: error }, "the relay's own answer is lost"),
    setReading: () => undefined,
  };
}
