// Tells the fleet which hosts came and went. The newest word on a host is kept until the bus has taken it.
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { Bus } from "../bus/bus.js";
import { type Presence, PresenceRecordSchema, PresenceSchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../shared/log.js";
import type { Attachment } from "./attachment-table.js";

export interface PresencePublisher {
  publish(attachment: Attachment, online: boolean): void;
  /** Resolves when the bus has taken everything, or has refused once more. */
  close(): Promise<void>;
}

const retryMs = 1_000;
const batchSize = 500;

export function createPresencePublisher(bus: Bus, relayId: string, log: Logger): PresencePublisher {
  const pending = new Map<string, Presence>();
  let closing = false;
  let flushing: Promise<void> | undefined;

  async function send([hostId, presence]: [string, Presence]) {
    const record = create(PresenceRecordSchema, { record: { case: "host", value: presence } });
    await bus.publish("presence", { key: hostId, value: toBinary(PresenceRecordSchema, record) });
    // A newer word may have come meanwhile.
    if (pending.get(hostId) === presence) pending.delete(hostId);
  }

  async function flush() {
    while (pending.size > 0) {
      const results = await Promise.allSettled([...pending].slice(0, batchSize).map(send));
      const refused = results.find((result) => result.status === "rejected");
      if (!refused) continue;
      log.warn({ err: refused.reason, waiting: pending.size }, "presence not published");
      if (closing) return;
      await sleep(retryMs);
    }
  }

  return {
    publish({ facts, number }, online) {
      const presence = create(PresenceSchema, { facts, online, at: timestampNow(), relayId, attachment: number });
      pending.set(facts.hostId, presence);
      flushing ??= flush().finally(() => {
        flushing = undefined;
      });
    },
    async close() {
      closing = true;
      await flushing;
    },
  };
}
