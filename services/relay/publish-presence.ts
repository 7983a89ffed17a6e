// Tells the fleet which hosts came and went, and that the relay itself lives. The newest word on a host is kept until the bus has
// taken it.
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import type { Bus } from "../bus/bus.js";
import { type Presence, PresenceRecordSchema, PresenceSchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../shared/log.js";
import { mapLimited } from "../shared/map-limited.js";
import { pause } from "../shared/pause.js";
import type { Attachment } from "./attachment-table.js";

export interface PresenceOptions {
  readonly bus: Bus;
  readonly relayId: string;
  /** How often the relay says that it lives. */
  readonly presenceIntervalMs: number;
  readonly attached: () => number;
  readonly log: Logger;
}

export interface PresencePublisher {
  /** From now on the relay says that it lives; resolves when it has said so. */
  start(): Promise<void>;
  publish(attachment: Attachment, online: boolean): void;
  /** Hosts whose newest word the bus does not have. */
  pending(): number;
  /** Says last that the relay has ended. Resolves when the bus has taken everything, or has refused once more. */
  close(): Promise<void>;
}

const retryMs = 1_000;
// Few at a time: ten thousand hosts that come at once must not stand before their own replies.
const maxUnderWay = 100;
// While hosts go on coming and going their words are gathered: to the bus, and to everybody who reads, many messages that come
// together are hardly more than one.
const gatherMs = 200;

export function createPresencePublisher(options: PresenceOptions): PresencePublisher {
  const { bus, relayId, presenceIntervalMs, log } = options;
  // A relay that comes back within a millisecond would not be told from its former life.
  const life = BigInt(Date.now());
  const pending = new Map<string, Presence>();
  const closing = new AbortController();
  let flushing: Promise<void> | undefined;

  async function send(key: string, record: MessageInitShape<typeof PresenceRecordSchema>["record"]) {
    await bus.publish("presence", {
      key,
      value: toBinary(PresenceRecordSchema, create(PresenceRecordSchema, { record } as never)),
    });
  }

  async function sendHost([hostId, presence]: [string, Presence]) {
    await send(hostId, { case: "host", value: presence });
    // A newer word may have come meanwhile.
    if (pending.get(hostId) === presence) pending.delete(hostId);
  }

  async function flush() {
    while (pending.size > 0) {
      try {
        await mapLimited([...pending], maxUnderWay, sendHost);
        if (pending.size > 0) await pause(gatherMs, closing.signal);
      } catch (error) {
        log.warn({ err: error, waiting: pending.size }, "presence not published");
        if (closing.signal.aborted) return;
        await pause(retryMs, closing.signal);
      }
    }
  }

  async function sayAlive(alive: boolean) {
    const interval = durationFromMs(presenceIntervalMs);
    const value = { relayId, life, at: timestampNow(), interval, alive, attached: options.attached() };
    try {
      await send(`relay/${relayId}`, { case: "relay", value });
    } catch (error) {
      // The next interval says it again; behind the last word there is none, and silence says the same.
      log.warn({ err: error, alive }, "the relay's own presence is not published");
    }
  }

  let timer: NodeJS.Timeout | undefined;
  return {
    async start() {
      timer = setInterval(() => void sayAlive(true), presenceIntervalMs);
      await sayAlive(true);
    },
    publish({ facts, number }, online) {
      const at = timestampNow();
      const presence = create(PresenceSchema, { facts, online, at, relayId, relayLife: life, attachment: number });
      pending.set(facts.hostId, presence);
      flushing ??= flush().finally(() => {
        flushing = undefined;
      });
    },
    pending: () => pending.size,
    async close() {
      clearInterval(timer);
      closing.abort();
      await flushing;
      await sayAlive(false);
    },
  };
}
