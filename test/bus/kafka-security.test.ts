// How the Kafka bus proves who it is, on real brokers that ask for it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBus } from "../../services/bus/open-bus.js";
import { ErrorReason } from "../../services/shared/errors.js";
import { bytes, collect, expectReason, numberOf } from "../contract/bus-messages.js";
import { testLog } from "../daemon/test-path.js";
import { foreignBrokers, type Kafka, saslUser, startKafka } from "../kafka/start-kafka.js";

type Security = Partial<Parameters<typeof openBus>[0]>;

let kafka: Kafka;

function open(security: Security) {
  return openBus({ kind: "kafka", brokers: kafka.brokers, fleetId: "secure", log: testLog, ...security });
}

async function expectRoundTrip(security: Security, group: string): Promise<void> {
  const bus = await open(security);
  try {
    const received = await collect(bus, { topic: "commands", group, from: "latest" });
    await bus.publish("commands", { key: "k", value: bytes(7) });
    expect((await received.count(1)).map(numberOf)).toEqual([7]);
  } finally {
    await bus.close();
  }
}

describe.skipIf(foreignBrokers)("sasl", () => {
  beforeAll(async () => {
    kafka = await startKafka({ listener: "sasl" });
  });
  afterAll(() => kafka.stop());

  test.each(["scram-sha-512", "scram-sha-256", "plain"] as const)("%s carries messages", async (mechanism) => {
    await expectRoundTrip({ sasl: { mechanism, ...saslUser } }, mechanism);
  });

  test("a wrong password is UNAUTHENTICATED at open", async () => {
    const sasl = { mechanism: "scram-sha-512", ...saslUser, password: "guess" } as const;
    await expectReason(open({ sasl }), ErrorReason.UNAUTHENTICATED);
  });
});

describe.skipIf(foreignBrokers)("mtls", () => {
  beforeAll(async () => {
    kafka = await startKafka({ listener: "mtls" });
  });
  afterAll(() => kafka.stop());

  test("a certificate of the brokers' authority carries messages", async () => {
    const { ca, cert, key } = kafka.certificates ?? {};
    await expectRoundTrip({ tls: { ca: ca ?? "", cert: cert ?? "", key: key ?? "" } }, "mtls");
  });

  test.each([
    ["without a certificate of its own", () => ({ ca: kafka.certificates?.ca ?? "" })],
    ["that does not trust the brokers", () => ({})],
  ])("a client %s is UNREACHABLE at open", async (_what, tls) => {
    await expectReason(open({ tls: tls() }), ErrorReason.UNREACHABLE);
  });
});
