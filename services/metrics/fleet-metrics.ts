// Of the control plane: its hosts, its runs and what became of them, its commands and the replies to them.
import type { Fleet } from "../fleet/fleet.js";
import type { FleetCounters, FleetGauges } from "../fleet/fleet-counters.js";
import { type MetricTable, rowsOf, samplesBy } from "./metric-table.js";

type Snapshot = FleetCounters & FleetGauges;

const { counter, counterBy, gauge, gaugeBy } = rowsOf<Snapshot>("fleet");

export const fleetMetrics: MetricTable<Snapshot> = [
  gaugeBy("hosts", "Hosts of the inventory, by whether their daemon is attached.", ["state"], (fleet) =>
    samplesBy("state", { online: fleet.hostsOnline, offline: fleet.hostsOffline }),
  ),
  counter(
    "runs_started_total",
    "Runs that were started, or taken up again after a restart.",
    (fleet) => fleet.runsStarted,
  ),
  counter("runs_refused_total", "Runs refused because too many went on.", (fleet) => fleet.runsRefused),
  counterBy("runs_ended_total", "Runs that ended, by how.", ["end"], (fleet) => samplesBy("end", fleet.runsEnded)),
  gaugeBy("runs", "Runs that go on: active, or queued for hosts that are away.", ["state"], (fleet) =>
    samplesBy("state", { active: fleet.active, queued: fleet.queued }),
  ),
  gaugeBy("rollouts", "Rollouts that are not over, by the step of their present wave, or halted.", ["step"], (fleet) =>
    samplesBy("step", fleet.rollouts),
  ),
  gauge("waiting_hosts", "Hosts without a final state, of all runs that go on.", (fleet) => fleet.queuedHosts),
  counterBy("run_hosts_total", "Hosts of ended runs, by their state then.", ["state"], ({ hostsEnded }) => {
    const { noAnswer, ...others } = hostsEnded;
    return samplesBy("state", { ...others, no_answer: noAnswer });
  }),
  counter("commands_sent_total", "Command messages published for the first time.", (fleet) => fleet.commandsSent),
  counter("hosts_sent_again_total", "Hosts that were sent a command again.", (fleet) => fleet.commandsSentAgain),
  counter("storage_batches_total", "Batches of answers written to disk.", (fleet) => fleet.storageBatches),
  counterBy("replies_total", "Replies of hosts, by what became of them.", ["fate"], (fleet) =>
    samplesBy("fate", {
      accounted: fleet.repliesAccounted,
      late: fleet.repliesLate,
      duplicate: fleet.repliesDuplicate,
      invalid: fleet.repliesInvalid,
      unknown_run: fleet.repliesUnknownRun,
    }),
  ),
  counter(
    "malformed_reply_messages_total",
    "Bus messages that should hold replies and do not.",
    (fleet) => fleet.replyMessagesMalformed,
  ),
];

/** What a scrape reads of a control plane. */
export function readFleet(fleet: Fleet): Snapshot {
  return { ...fleet.counters(), ...fleet.gauges() };
}
