// The configuration of one broker, as small and as quick to start as it goes.

/** How clients reach the broker. */
export type ListenerKind = "plain" | "sasl" | "mtls";

/** Ports of one broker, all on 127.0.0.1. */
export interface BrokerPorts {
  /** Plain text: brokers among themselves, and the harness. */
  readonly internal: number;
  readonly controller: number;
  /** What the tests' clients use. */
  readonly client: number;
}

export interface BrokerSettings {
  readonly id: number;
  readonly directory: string;
  readonly ports: readonly BrokerPorts[];
  readonly listener: ListenerKind;
  /** PEM files of brokers; needed for mtls. */
  readonly certificates?: { readonly keyStore: string; readonly trustStore: string };
  /** More lines, such as message.max.bytes=1000000. */
  readonly properties?: Readonly<Record<string, string>>;
}

const protocols: Record<ListenerKind, string> = { plain: "PLAINTEXT", sasl: "SASL_PLAINTEXT", mtls: "SSL" };

/** Text of a server.properties. */
export function brokerProperties(settings: BrokerSettings): string {
  const { id, directory, ports, listener, properties } = settings;
  const own = ports[id - 1] as BrokerPorts;
  const replicas = Math.min(3, ports.length);
  return lines({
    "process.roles": "broker,controller",
    "node.id": id,
    "controller.quorum.voters": ports.map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`).join(","),
    listeners: `INTERNAL://127.0.0.1:${own.internal},CLIENT://127.0.0.1:${own.client},CONTROLLER://127.0.0.1:${own.controller}`,
    "advertised.listeners": `INTERNAL://127.0.0.1:${own.internal},CLIENT://127.0.0.1:${own.client}`,
    "listener.security.protocol.map": `INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:${protocols[listener]}`,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "log.dirs": directory,
    "offsets.topic.replication.factor": replicas,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": replicas,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    // Tests may let a member of a group die and not wait for long.
    "group.min.session.timeout.ms": 500,
    "auto.create.topics.enable": false,
    "socket.listen.backlog.size": 4096,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "log.cleaner.threads": 1,
    "controlled.shutdown.enable": ports.length > 1,
    ...securityProperties(settings),
    ...properties,
  });
}

function securityProperties({ listener, certificates }: BrokerSettings): Record<string, string> {
  if (listener === "sasl") {
    return {
      "sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512,PLAIN",
      "listener.name.client.plain.sasl.jaas.config":
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_tester="tester-password";',
      "listener.name.client.scram-sha-256.sasl.jaas.config":
        "org.apache.kafka.common.security.scram.ScramLoginModule required;",
      "listener.name.client.scram-sha-512.sasl.jaas.config":
        "org.apache.kafka.common.security.scram.ScramLoginModule required;",
    };
  }
  if (listener !== "mtls" || !certificates) return {};
  return {
    "listener.name.client.ssl.client.auth": "required",
    "listener.name.client.ssl.keystore.type": "PEM",
    "listener.name.client.ssl.keystore.location": certificates.keyStore,
    "listener.name.client.ssl.truststore.type": "PEM",
    "listener.name.client.ssl.truststore.location": certificates.trustStore,
  };
}

function lines(values: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
