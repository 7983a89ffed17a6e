// Of a relay: commands down, replies up, and who is attached.
import type { RelayCounters } from "../relay/relay-counters.js";
import type { RelayGauges } from "../relay/relay-gauges.js";
import type { Relay } from "../relay/start-relay.js";
import { type MetricTable, rowsOf, samplesBy } from "./metric-table.js";

type Snapshot = RelayCounters & RelayGauges;

const { counter, counterBy, gauge } = rowsOf<Snapshot>("relay");

export const relayMetrics: MetricTable<Snapshot> = [
  counter("commands_total", "Commands taken from the bus, whatever became of them.", (relay) => relay.commands),
  counterBy("commands_not_forwarded_total", "Commands that were not forwarded, by reason.", ["reason"], (relay) =>
    samplesBy("reason", { expired: relay.expiredCommands, malformed: relay.malformedCommands }),
  ),
  counter("deliveries_total", "Commands written to a daemon's stream.", (relay) => relay.deliveries),
  counter(
    "busy_deliveries_total",
    "Commands answered BUSY because a daemon took nothing.",
    (relay) => relay.busyDeliveries,
  ),
  counter("replies_total", "Replies published on the bus.", (relay) => relay.replies),
  counter("reply_batches_total", "Bus messages that carried replies.", (relay) => relay.replyBatches),
  counterBy(
    "unpublished_replies_total",
    "Replies that were not published, by what becomes of them.",
    ["fate"],
    (relay) => samplesBy("fate", { brought_again: relay.refusedReplies, lost: relay.lostReplies }),
  ),
  counter("attachments_total", "Attach streams that were welcomed.", (relay) => relay.attachments),
  counter(
    "failed_streams_total",
    "Attach streams that ended with an error, of either side.",
    (relay) => relay.failedStreams,
  ),
  gauge("attached_daemons", "Daemons attached.", (relay) => relay.attached),
  gauge("queued_bytes", "Bytes that daemons have not taken yet.", (relay) => relay.queuedBytes),
  gauge("queued_bytes_max", "Of them, for the slowest daemon.", (relay) => relay.greatestQueuedBytes),
  gauge("waiting_replies", "Replies that the bus does not have yet.", (relay) => relay.waitingReplies),
  gauge("waiting_reply_bytes", "Bytes of replies that the bus does not have yet.", (relay) => relay.waitingReplyBytes),
  gauge(
    "pending_presences",
    "Hosts whose coming or going the bus does not have yet.",
    (relay) => relay.pendingPresence,
  ),
];

/** What a scrape reads of a relay. */
export function readRelay(relay: Relay): Snapshot {
  return { ...relay.counters(), ...relay.gauges() };
}
