// systems-manager up: the whole path in one process, and this machine as its first host.
import { hostname } from "node:os";
import { Command, Option } from "commander";
import type { ListenAddress } from "../shared/grpc-server.js";
import { defaultStateDirectory } from "./default-state-directory.js";
import { addKafkaOptions } from "./kafka-options.js";
import { addMetricsOption } from "./metrics-option.js";
import { collectLabel, parseIndex, parseListenAddress } from "./option-values.js";
import type { UpOptions } from "./run-up.js";

function listenOption(flags: string, description: string, port: number): Option {
  const loopback: ListenAddress = { host: "127.0.0.1", port };
  return new Option(flags, description).argParser(parseListenAddress).default(loopback, `127.0.0.1:${port}`);
}

export const up = addMetricsOption(addKafkaOptions(new Command("up")))
  .addOption(listenOption("--mcp <address>", "where MCP clients connect", 7600))
  .addOption(listenOption("--grpc <address>", "where FleetService listens", 7601))
  .addOption(listenOption("--relay <address>", "where daemons attach", 7602))
  .option("--no-relay", "take no daemons here: relays are processes of their own")
  .option("--instance <number>", "number of this control plane, from 0, when several share a Kafka", parseIndex)
  .option("--bus <address>", "also serve the bus to relays of other processes, with relay.token", parseListenAddress)
  .option("--tls-cert <file>", "PEM certificate chain for the relay's and the bus's address")
  .option("--tls-key <file>", "PEM key of the certificate")
  .option("--fleet-id <id>", "name of the fleet; commands hold for it alone", "default")
  .option("--no-daemon", "do not make this machine a host of the fleet")
  .option("--name <name>", "this machine's name in the fleet", hostname())
  .option("--label <key=value>", "label of this machine; may be repeated", collectLabel, {})
  .option("--state-dir <directory>", "keys, token, journal and results", defaultStateDirectory())
  .action(async (options: UpOptions) => (await import("./run-up.js")).runUp(options));
