// A real Apache Kafka on 127.0.0.1 for the tests, or the cluster that KAFKA_BROKERS names. It ends when it is stopped, and also
// when the process that started it is killed.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { type BrokerProcess, createBroker } from "./broker-process.js";
import type { BrokerPorts, ListenerKind } from "./broker-properties.js";
import { type Certificates, createCertificates } from "./certificates.js";
import { findFreePorts } from "./free-ports.js";
import { waitUntilReady } from "./ready.js";

export { saslUser } from "./broker-process.js";

export interface StartKafkaOptions {
  readonly brokers?: 1 | 3;
  /** How clients reach it: plain text by default. */
  readonly listener?: ListenerKind;
  readonly heapMb?: number;
  /** True for brokers that work for minutes: the JVM then optimises more, and starts slower. */
  readonly lasting?: boolean;
  /** More lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Brokers are counted from 0. */
export interface Kafka {
  /** HOST:PORT for clients. */
  readonly brokers: readonly string[];
  /** PEM texts for clients; there are some with an mtls listener. */
  readonly certificates?: Certificates;
  readonly dataDirectory: string;
  /** Process ids of the brokers that run. */
  pids(): number[];
  /** SIGKILL. */
  kill(broker?: number): Promise<void>;
  /** Ends it in an orderly way, if it runs, and starts it again over its data; resolves when it can be used. */
  restart(broker?: number): Promise<void>;
  /** SIGSTOP: it holds its connections and says nothing. */
  pause(broker?: number): Promise<void>;
  resume(broker?: number): Promise<void>;
  /** Ends everything and removes the data. */
  stop(): Promise<void>;
}

/** Brokers of a cluster that the tests do not own; undefined when they start their own. */
export const foreignBrokers = process.env.KAFKA_BROKERS?.split(",").map((broker) => broker.trim());

/** Resolves when metadata and groups work. */
export async function startKafka(options: StartKafkaOptions = {}): Promise<Kafka> {
  const { listener = "plain" } = options;
  if (foreignBrokers === undefined) return startOwnKafka(options);
  if (listener === "plain") return foreignKafka(foreignBrokers);
  throw notOurs(`start a broker with a ${listener} listener`);
}

async function startOwnKafka(options: StartKafkaOptions): Promise<Kafka> {
  const { brokers: count = 1, listener = "plain", heapMb = 384, lasting = false, properties = {} } = options;
  const { prepareKafka } = await importPrepare();
  const jars = prepareKafka();
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-kafka-"));
  const ports = await findPorts(count);
  const clusterId = randomBytes(16).toString("base64url");
  const certificates = listener === "mtls" ? await createCertificates(directory) : undefined;
  const shared = {
    directory,
    jars,
    clusterId,
    heapMb,
    lasting,
    ports,
    listener,
    properties,
    ...certificates?.ofBrokers,
  };
  const brokers = ports.map((_, index) => createBroker({ ...shared, id: index + 1 }));
  const addresses = (name: keyof BrokerPorts) => ports.map((each) => `127.0.0.1:${each[name]}`);
  const ready = () => waitUntilReady(addresses("internal"), count, () => checkAlive(brokers));
  const at = (index: number) => brokers[index] as BrokerProcess;

  async function stop() {
    await Promise.all(brokers.map((broker) => broker.signal("SIGKILL")));
    rmSync(directory, { recursive: true, force: true });
  }

  try {
    await Promise.all(brokers.map((broker) => broker.start()));
    await ready();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    brokers: addresses("client"),
    ...(certificates ? { certificates } : {}),
    dataDirectory: directory,
    pids: () => brokers.flatMap((broker) => broker.pid() ?? []),
    kill: (index = 0) => at(index).signal("SIGKILL"),
    async restart(index = 0) {
      await at(index).signal("SIGTERM");
      await at(index).start();
      await ready();
    },
    pause: (index = 0) => at(index).signal("SIGSTOP"),
    resume: (index = 0) => at(index).signal("SIGCONT"),
    stop,
  };
}

// Plain JavaScript lies beside the sources alone, also for what runs from dist.
function importPrepare(): Promise<typeof import("./prepare.mjs")> {
  return import(new URL("test/kafka/prepare.mjs", findPackageRoot()).href);
}

function checkAlive(brokers: readonly BrokerProcess[]): void {
  const dead = brokers.find((broker) => broker.pid() === undefined);
  if (dead) throw new Error(`a Kafka broker ended; the end of its log:\n${dead.logTail()}`);
}

async function foreignKafka(brokers: readonly string[]): Promise<Kafka> {
  const refuse = async () => {
    throw notOurs("kill, restart or pause a broker");
  };
  await waitUntilReady(brokers, 1, () => undefined);
  return {
    brokers,
    dataDirectory: "",
    pids: () => [],
    kill: refuse,
    restart: refuse,
    pause: refuse,
    resume: refuse,
    stop: async () => undefined,
  };
}

function notOurs(what: string) {
  return failure(ErrorReason.UNSUPPORTED, `tests cannot ${what} of the cluster that KAFKA_BROKERS names`, {
    metadata: { operation: what, needs: "a Kafka of their own" },
    remedy: "unset KAFKA_BROKERS",
  });
}

async function findPorts(count: number): Promise<BrokerPorts[]> {
  const ports = await findFreePorts(count * 3);
  return Array.from({ length: count }, (_, index) => {
    const [internal, controller, client] = ports.slice(index * 3) as [number, number, number];
    return { internal, controller, client };
  });
}
