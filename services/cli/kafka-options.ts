// --kafka and its siblings, for every verb that works on the fleet's bus.
import { type Command, Option } from "commander";
import type { OpenBusOptions } from "../bus/open-bus.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import { readOptionFile } from "./option-file.js";
import { parseCount } from "./option-values.js";

export interface KafkaOptions {
  readonly kafka?: string;
  readonly kafkaTls?: boolean;
  readonly kafkaCa?: string;
  readonly kafkaCert?: string;
  readonly kafkaKey?: string;
  readonly kafkaUser?: string;
  readonly kafkaPassword?: string;
  readonly kafkaMechanism: "scram-sha-256" | "scram-sha-512" | "plain";
  readonly kafkaReplication?: number;
}

/** Adds the options to a verb. */
export function addKafkaOptions(command: Command): Command {
  const mechanism = new Option("--kafka-mechanism <name>", "SASL mechanism")
    .choices(["scram-sha-256", "scram-sha-512", "plain"])
    .default("scram-sha-512");
  return command
    .option("--kafka <brokers>", "the fleet's bus is this Kafka: HOST:PORT, several separated by commas")
    .option("--kafka-tls", "speak TLS to the brokers")
    .option("--kafka-ca <file>", "PEM certificates to trust for brokers; implies --kafka-tls")
    .option("--kafka-cert <file>", "PEM certificate to show to brokers; implies --kafka-tls")
    .option("--kafka-key <file>", "PEM key of that certificate")
    .option("--kafka-user <name>", "SASL user")
    .option("--kafka-password <file>", "file with the SASL user's password")
    .addOption(mechanism)
    .option("--kafka-replication <number>", "replicas of each topic, when topics have to be created", parseCount);
}

/** What openBus takes; undefined without --kafka. INVALID_ARGUMENT for a file that is missing or cannot be read. */
export function kafkaBusOf(options: KafkaOptions, fleetId: string, log: Logger): OpenBusOptions | undefined {
  const { kafka, kafkaReplication } = options;
  if (kafka === undefined) return undefined;
  return {
    kind: "kafka",
    brokers: parseBrokers(kafka),
    fleetId,
    log,
    ...tlsOf(options),
    ...saslOf(options),
    ...(kafkaReplication === undefined ? {} : { replicationFactor: kafkaReplication }),
  };
}

function parseBrokers(text: string): string[] {
  const brokers = text.split(",").map((broker) => broker.trim());
  const wrong = brokers.find((broker) => !/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.test(broker));
  if (wrong === undefined) return brokers;
  throw failure(ErrorReason.INVALID_ARGUMENT, `--kafka: ${JSON.stringify(wrong)} is not HOST:PORT`, {
    metadata: { field: "--kafka", rule: "HOST:PORT" },
    remedy: "give brokers as kafka-1:9092,kafka-2:9092",
  });
}

function tlsOf({ kafkaTls, kafkaCa, kafkaCert, kafkaKey }: KafkaOptions) {
  const ca = kafkaCa === undefined ? {} : { ca: readOptionFile("--kafka-ca", kafkaCa) };
  const own =
    kafkaCert === undefined && kafkaKey === undefined
      ? {}
      : { cert: readOptionFile("--kafka-cert", kafkaCert), key: readOptionFile("--kafka-key", kafkaKey) };
  const tls = { ...ca, ...own };
  return kafkaTls || Object.keys(tls).length > 0 ? { tls } : {};
}

function saslOf({ kafkaUser, kafkaPassword, kafkaMechanism }: KafkaOptions) {
  if (kafkaUser === undefined && kafkaPassword === undefined) return {};
  const password = readOptionFile("--kafka-password", kafkaPassword).trim();
  if (kafkaUser !== undefined) return { sasl: { mechanism: kafkaMechanism, username: kafkaUser, password } };
  throw failure(ErrorReason.INVALID_ARGUMENT, "--kafka-user is needed too", { metadata: { field: "--kafka-user" } });
}
