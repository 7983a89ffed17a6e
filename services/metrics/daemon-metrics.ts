// Of a daemon: what came down, what became of it, and what waits to go up.
import type { DaemonCounters, DaemonGauges } from "../daemon/daemon-counters.js";
import type { Daemon } from "../daemon/start-daemon.js";
import { type MetricTable, rowsOf, samplesBy } from "./metric-table.js";

type Snapshot = DaemonCounters & DaemonGauges;

const { counter, counterBy, gauge } = rowsOf<Snapshot>("daemon");

export const daemonMetrics: MetricTable<Snapshot> = [
  counter(
    "deliveries_total",
    "Commands that came from relays, whatever became of them.",
    (daemon) => daemon.deliveries,
  ),
  counterBy("deliveries_not_run_total", "Commands that were not run, by reason.", ["reason"], (daemon) =>
    samplesBy("reason", {
      malformed: daemon.malformed,
      refused: daemon.refused,
      duplicate: daemon.duplicates,
      answered_before: daemon.fromJournal,
    }),
  ),
  counter("replies_total", "Replies handed to relays.", (daemon) => daemon.replies),
  counter(
    "lost_replies_total",
    "Replies dropped because no relay took them for too long.",
    (daemon) => daemon.lostReplies,
  ),
  counter("attachments_total", "Welcomes from relays.", (daemon) => daemon.attachments),
  gauge("attached", "1 while the daemon is attached to a relay.", (daemon) => (daemon.attached ? 1 : 0)),
  gauge("running_commands", "Commands that run or wait to run.", (daemon) => daemon.runningCommands),
  gauge("waiting_replies", "Replies that the bus does not have yet.", (daemon) => daemon.waitingReplies),
  gauge(
    "waiting_reply_bytes",
    "Bytes of replies that the bus does not have yet.",
    (daemon) => daemon.waitingReplyBytes,
  ),
];

/** What a scrape reads of a daemon. */
export function readDaemon(daemon: Daemon): Snapshot {
  return { ...daemon.counters(), ...daemon.gauges() };
}
