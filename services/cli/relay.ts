// systems-manager relay --kafka BROKERS | --bus URL --bus-token FILE --listen ADDRESS: joins daemons to control planes elsewhere,
// until a signal ends it.
import { Command } from "commander";
import { addKafkaOptions } from "./kafka-options.js";
import { addMetricsOption } from "./metrics-option.js";
import { parseListenAddress, parseSeconds } from "./option-values.js";
import { letHeapGrow } from "./roomy-heap.js";
import type { RelayOptions } from "./run-relay.js";

export const relay = addMetricsOption(addKafkaOptions(new Command("relay")))
  .option("--bus <url>", "without Kafka: bus of the control plane, as `up --bus` prints it")
  .option("--bus-token <file>", "credential for it (relay.token of the control plane)")
  .option("--bus-ca <file>", "PEM certificates to trust for an https bus")
  .requiredOption("--listen <address>", "where daemons attach", parseListenAddress)
  .option("--tls-cert <file>", "PEM certificate chain for daemons")
  .option("--tls-key <file>", "PEM key of the certificate")
  .option("--fleet-id <id>", "fleet to serve", "default")
  .option("--relay-id <id>", "name of this relay, in use once at a time; default: a random one")
  .option(
    "--heartbeat <seconds>",
    "how often it and a daemon tell each other that they are there; default: 10",
    parseSeconds,
  )
  .action(async (options: RelayOptions) => {
    letHeapGrow();
    await (await import("./run-relay.js")).runRelay(options);
  });
