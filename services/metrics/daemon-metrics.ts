// Of a daemon: what came down, what became of it, and what waits to go up. Of an emulator: the same of all its daemons together.
import type { DaemonCounters, DaemonGauges } from "../daemon/daemon-counters.js";
import type { Daemon } from "../daemon/start-daemon.js";
import type { EmulatorCounters } from "../emulator/emulator-counters.js";
import { type MetricTable, rowsOf, samplesBy } from "./metric-table.js";

type Snapshot = DaemonCounters & DaemonGauges;

const daemon = rowsOf<Snapshot>("daemon");
const emulator = rowsOf<EmulatorCounters>("emulator");

export const daemonMetrics: MetricTable<Snapshot> = [
  ...counterRows("daemon"),
  daemon.gauge("attached", "1 while the daemon is attached to a relay.", ({ attached }) => (attached ? 1 : 0)),
  daemon.gauge("running_commands", "Commands that run or wait to run.", (now) => now.runningCommands),
  daemon.gauge("waiting_replies", "Replies that the bus does not have yet.", (now) => now.waitingReplies),
  daemon.gauge(
    "waiting_reply_bytes",
    "Bytes of replies that the bus does not have yet.",
    (now) => now.waitingReplyBytes,
  ),
];

export const emulatorMetrics: MetricTable<EmulatorCounters> = [
  ...counterRows("emulator"),
  emulator.gauge("attached_hosts", "Hosts attached to a relay.", (hosts) => hosts.attached),
  emulator.gauge("down_hosts", "Hosts that were killed and are not back yet.", (hosts) => hosts.down),
  emulator.counter("executions_total", "Changes carried out.", (hosts) => hosts.executions),
  emulator.counterBy("faults_total", "Faults that hosts suffered on request, by kind.", ["kind"], (hosts) =>
    samplesBy("kind", {
      drop: hosts.faultDrops,
      duplicate: hosts.faultDuplicates,
      reorder: hosts.faultReorders,
      delay: hosts.faultDelays,
      disk: hosts.faultsOfDisk,
      refuse: hosts.faultRefusals,
      kill: hosts.kills,
    }),
  ),
];

/** What a scrape reads of a daemon. */
export function readDaemon(from: Daemon): Snapshot {
  return { ...from.counters(), ...from.gauges() };
}

function counterRows(component: string): MetricTable<DaemonCounters> {
  const { counter, counterBy } = rowsOf<DaemonCounters>(component);
  return [
    counter("deliveries_total", "Commands that came from relays, whatever became of them.", (did) => did.deliveries),
    counterBy("deliveries_not_run_total", "Commands that were not run, by reason.", ["reason"], (did) =>
      samplesBy("reason", {
        malformed: did.malformed,
        refused: did.refused,
        duplicate: did.duplicates,
        answered_before: did.fromJournal,
      }),
    ),
    counter("replies_total", "Replies handed to relays.", (did) => did.replies),
    counter("lost_replies_total", "Replies dropped because no relay took them for too long.", (did) => did.lostReplies),
    counter("attachments_total", "Welcomes from relays.", (did) => did.attachments),
  ];
}
