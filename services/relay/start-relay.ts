// The relay: joins the bus to daemons that have no broker credentials and no inbound port. It passes signed commands down and
// replies up, says who is attached, and can neither sign nor forge.
import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { Bus } from "../bus/bus.js";
import { DrainSchema } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import type { ListenAddress, TlsIdentity } from "../shared/http2-listener.js";
import { warnOfPlainText } from "../shared/http2-listener.js";
import type { Logger } from "../shared/log.js";
import { encodeResponse } from "./attach-messages.js";
import { startAttachServer } from "./attach-server.js";
import { type AttachmentTable, createAttachmentTable, sweepAttachments } from "./attachment-table.js";
import { createCommandForwarder } from "./forward-commands.js";
import { createReplyForwarder } from "./forward-replies.js";
import { createPresencePublisher } from "./publish-presence.js";
import { createRelayCounters, type RelayCounters } from "./relay-counters.js";
import { serveAttach } from "./serve-attach.js";

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
  /** Bytes that may wait for one daemon; a command beyond is answered BUSY. */
  readonly maxQueuedBytesPerHost?: number;
  readonly helloTimeoutMs?: number;
  /** How long close() lets daemons finish what they do. */
  readonly drainMs?: number;
}

export interface Relay {
  /** What daemons dial. */
  readonly url: string;
  readonly relayId: string;
  counters(): Readonly<RelayCounters>;
  /** Takes no more commands, tells daemons to drain, waits for them, then ends all streams. */
  close(): Promise<void>;
}

const defaults = {
  heartbeatIntervalMs: 10_000,
  maxQueuedBytesPerHost: 4 * 1024 * 1024,
  helloTimeoutMs: 10_000,
  drainMs: 2_000,
};

const closeGraceMs = 1_000;

/** Resolves when daemons can attach and commands flow. */
export async function startRelay(relayOptions: RelayOptions): Promise<Relay> {
  const relayId = relayOptions.relayId ?? `relay-${randomUUID()}`;
  const log = relayOptions.log.child({ relayId });
  const options = { ...defaults, ...relayOptions, relayId, log };
  warnOfPlainText(options.listen, options.tls, log);
  const counters = createRelayCounters();
  const presence = createPresencePublisher(options.bus, relayId, log);
  const table = createAttachmentTable(presence.publish);
  const replies = createReplyForwarder(options.bus, counters, log);
  const forwardCommand = createCommandForwarder({
    ...options,
    table,
    counters,
    // The forwarder has counted it; nobody can bring it again, and the run learns by its deadline.
    reply: (reply) =>
      void replies
        .forward(reply)
        .catch((error) => log.warn({ err: error, hostId: reply.hostId }, "the relay's own answer is lost")),
  });
  // Before daemons can attach, so that no command passes unseen once the fleet knows of a host.
  const group = `${options.fleetId}.relay.${relayId}`;
  const commands = await options.bus.subscribe({ topic: "commands", group, from: "latest" }, forwardCommand);
  const server = await startAttachServer({
    ...options,
    idleMs: Math.max(60_000, 6 * options.heartbeatIntervalMs),
    onAttach: (stream) => serveAttach(stream, { ...options, table, counters, forwardReply: replies.forward }),
  }).catch(async (error) => {
    await commands.close();
    throw error;
  });
  const stopSweeping = startSweeping(table, options.heartbeatIntervalMs);
  log.info({ url: server.url }, "relay serves");
  return {
    url: server.url,
    relayId,
    counters: () => ({ ...counters }),
    async close() {
      server.stopListening();
      await commands.close();
      await drain(table, options.drainMs);
      stopSweeping();
      await server.close(closeGraceMs);
      await Promise.all([presence.close(), replies.idle()]);
    },
  };
}

function startSweeping(table: AttachmentTable, intervalMs: number): () => void {
  const timer = setInterval(() => sweepAttachments(table, intervalMs), intervalMs / 4);
  return () => clearInterval(timer);
}

// Daemons leave when they have finished; the streams of those that do not are ended after the given time.
async function drain(table: AttachmentTable, milliseconds: number): Promise<void> {
  const message = encodeResponse({ case: "drain", value: create(DrainSchema) });
  for (const { stream } of table.byHostId.values()) stream.send([message]);
  const deadline = performance.now() + milliseconds;
  while (table.byHostId.size > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  for (const { stream } of table.byHostId.values()) stream.end();
}
