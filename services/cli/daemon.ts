// systems-manager daemon --relay URL --fleet-key FILE: one host's part of the fleet, until a signal ends it.
import { Command } from "commander";
import { defaultStateDirectory } from "./default-state-directory.js";
import { addMetricsOption } from "./metrics-option.js";
import { collect, collectLabel, parseListenAddress } from "./option-values.js";
import type { DaemonOptions } from "./run-daemon.js";
import { keepHeapSmall } from "./small-heap.js";

export const daemon = addMetricsOption(new Command("daemon"))
  .requiredOption("--relay <url>", "relay to dial; may be repeated", collect, [])
  .requiredOption(
    "--fleet-key <file>",
    "PEM public key that commands are verified with (fleet.pub of the control plane)",
  )
  .option("--fleet-id <id>", "fleet whose commands to take", "default")
  .option("--name <name>", "name in the fleet; default: the host name")
  .option("--label <key=value>", "label for selectors; may be repeated", collectLabel, {})
  .option(
    "--listen <address>",
    "also answer direct gRPC clients here, with the state directory's token",
    parseListenAddress,
  )
  .option("--relay-ca <file>", "PEM certificates to trust for https relays")
  .option("--state-dir <directory>", "journal, replay memory and token", defaultStateDirectory())
  .action(async (options: DaemonOptions) => {
    keepHeapSmall();
    return (await import("./run-daemon.js")).runDaemon(options);
  });
