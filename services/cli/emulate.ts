// systems-manager emulate --hosts N --relay URL --fleet-key FILE: a fleet to size relays, brokers and control planes with.
import { Command } from "commander";
import { addMetricsOption } from "./metrics-option.js";
import { collect, collectLabel, parseCount } from "./option-values.js";
import type { EmulateVerbOptions } from "./run-emulate.js";

export const emulate = addMetricsOption(new Command("emulate"))
  .requiredOption("--hosts <number>", "how many", parseCount)
  .requiredOption("--relay <url>", "relay to dial; may be repeated", collect, [])
  .requiredOption(
    "--fleet-key <file>",
    "PEM public key that commands are verified with (fleet.pub of the control plane)",
  )
  .option("--fleet-id <id>", "fleet whose commands to take", "default")
  .option("--relay-ca <file>", "PEM certificates to trust for https relays")
  .option("--name-prefix <text>", "names in the fleet: this and a number", "emulated-")
  .option("--label <key=value>", "label for selectors, beside simulated=true; may be repeated", collectLabel, {})
  .option("--processes <number>", "processes to spread the hosts over; default: one for each 4,000", parseCount)
  .option("--source-addresses <range>", "addresses to dial from; default: enough of 127.0.0.2 … for relays at 127.…")
  .option("--attach-rate <number>", "most hosts to start per second; default: as fast as relays take them", parseCount)
  .option("--seed <text>", "hosts, answers and faults come again with the same seed", "1")
  .option("--answer-bytes <number>", "size of a system snapshot", parseCount, 620)
  .option("--distinct-answers <number>", "how many different hosts there are", parseCount, 70)
  .option(
    "--state-dir <directory>",
    "journals and executions.jsonl, to be used again with the same numbers of hosts and processes; default: a temporary one",
  )
  .option(
    "--fault <faults>",
    'drop=0.01, duplicate=0.01, reorder=0.01, delay=50ms..500ms, skew=-30s..30s, stall=0.1, disk-full=0.1, refuse=0.1, work=10ms..1s, kill=0.001/s, crash=0.1, down=1s..5s; separated by commas; may be repeated. While it runs, a line such as {"faults":"drop=0.01"} or {"kill":{"share":0.2,"down":"1s..3s"}} on standard input changes them or kills hosts',
    collect,
    [],
  )
  .option("--json", "print one JSON object per second: state and counters")
  .action(async (options: EmulateVerbOptions) => (await import("./run-emulate.js")).runEmulate(options));
