// The Kafka bus when topics are not as they must be, and when its broker goes, hangs and comes back.
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { type Admin, Kafka as Client, type ISocketFactory, type KafkaConfig, logLevel } from "kafkajs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { kafkaFailure } from "../../services/bus/kafka/kafka-errors.js";
import { ensureTopics, groupName, topicName } from "../../services/bus/kafka/topics.js";
import { type OpenBusOptions, openBus } from "../../services/bus/open-bus.js";
import { ErrorReason, errorDetailOf, hasReason } from "../../services/shared/errors.js";
import { bytes, collect, expectReason, numberOf, numbers, publishAll, sortedValues } from "../contract/bus-messages.js";
import { testLog } from "../daemon/test-path.js";
import { foreignBrokers, type Kafka, startKafka } from "../kafka/start-kafka.js";
import { waitFor } from "../shared/wait-for.js";
import { closeAtEnd, closeOpened } from "./bus-server.js";

// A broker that starts on a busy machine takes its time.
const brokerTimeoutMs = 120_000;

let kafka: Kafka;

beforeAll(async () => {
  kafka = await startKafka();
});
afterEach(async () => {
  if (!foreignBrokers) await kafka.resume();
  await closeOpened();
});
afterAll(() => kafka.stop());

async function open(fleetId: string = randomUUID(), options: Partial<OpenBusOptions> = {}) {
  return closeAtEnd(await openBus({ kind: "kafka", brokers: kafka.brokers, fleetId, log: testLog, ...options }));
}

async function withAdmin(use: (admin: Admin) => Promise<unknown>, config: Partial<KafkaConfig> = {}): Promise<void> {
  const admin = new Client({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING, ...config }).admin();
  await admin.connect();
  try {
    await use(admin);
  } finally {
    await admin.disconnect();
  }
}

test("two buses that open at one time share the topics that one of them creates", async () => {
  const fleetId = randomUUID();
  const [one, two] = await Promise.all([open(fleetId), open(fleetId)]);
  const received = await collect(two, { topic: "replies", group: "g", from: "earliest" });
  await publishAll(one, numbers(20), String, "replies");
  expect(sortedValues(await received.count(20))).toEqual(numbers(20));
});

test("a connection that breaks while topics are looked at makes brokers UNREACHABLE, which is waited for", async () => {
  const options = { brokers: kafka.brokers, fleetId: randomUUID(), log: testLog };
  let asked = 0;
  const breaksAtSecondMetadata: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = connect(port, host, onConnect);
    const write = socket.write.bind(socket) as (request: Buffer) => boolean;
    // Behind the length of a request is its kind.
    socket.write = (request: unknown) =>
      (request as Buffer).readInt16BE(4) === 3 && ++asked === 2
        ? !socket.destroy(new Error("it broke"))
        : write(request as Buffer);
    return socket;
  };
  await withAdmin(
    async (admin) => {
      const error = await ensureTopics(admin, options).catch((reason: unknown) => reason);
      expect(hasReason(kafkaFailure("opening the bus", kafka.brokers, error), ErrorReason.UNREACHABLE)).toBe(true);
      expect((await ensureTopics(admin, options)).size).toBe(3);
    },
    { socketFactory: breaksAtSecondMetadata },
  );
});

test("a topic with a setting that does not do is refused by name, with what was found, what is wanted and a remedy", async () => {
  const fleetId = randomUUID();
  const topic = `systems-manager.${fleetId}.presence.v1`;
  const configEntries = [{ name: "cleanup.policy", value: "delete" }];
  await withAdmin((admin) => admin.createTopics({ topics: [{ topic, configEntries }] }));
  const error = await open(fleetId).catch((reason: unknown) => reason);
  expect(errorDetailOf(error)).toMatchObject({
    reason: ErrorReason.INVALID_ARGUMENT,
    metadata: { field: `${topic} cleanup.policy`, rule: "compact" },
  });
  expect((error as Error).message).toMatch(/has cleanup.policy delete, wanted: compact; run kafka-configs.sh --alter/);
});

test("another number of partitions than the one that was asked for is refused", async () => {
  const fleetId = randomUUID();
  await open(fleetId);
  const error = await open(fleetId, { partitions: { replies: 32 } }).catch((reason: unknown) => reason);
  expect((error as Error).message).toMatch(/replies.v1 has partitions 16, wanted: 32; run kafka-topics.sh --alter/);
});

test.each(["", "two words", "a/b", "x".repeat(65)])(
  "a fleet id that is no part of a topic's name: %j",
  async (fleetId) => {
    await expectReason(open(fleetId), ErrorReason.INVALID_ARGUMENT);
  },
);

test("with nothing there opening is UNREACHABLE", async () => {
  await expectReason(open(undefined, { brokers: ["127.0.0.1:1"] }), ErrorReason.UNREACHABLE);
});

test("a second subscriber of a group with a fixed partition is refused", async () => {
  const bus = await open();
  const options = { topic: "replies", group: "g", from: "latest" } as const;
  await bus.subscribe({ ...options, partition: 1 }, async () => undefined);
  await expectReason(
    bus.subscribe(options, async () => undefined),
    ErrorReason.INVALID_ARGUMENT,
  );
});

test("one that is alone does not wait for a former member that never left, and the newest of their positions counts", async () => {
  const fleetId = randomUUID();
  const bus = await open(fleetId, { partitions: { commands: 1 } });
  const options = { topic: "commands", group: "g", from: "earliest", alone: true } as const;
  const takeNext = async (values: number[]) => {
    await publishAll(bus, values, () => "k");
    const next = await collect(bus, options);
    expect((await next.count(values.length)).map(numberOf)).toEqual(values);
    await next.subscription.close();
  };
  await takeNext([0, 1]);
  // To the brokers it is a member that was killed: it is there, and nobody has heard that it goes.
  const left = new Client({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).consumer({
    groupId: groupName(fleetId, "commands", "g"),
    sessionTimeout: 30_000,
  });
  await left.connect();
  await left.subscribe({ topics: [topicName(fleetId, "commands")] });
  const joined = new Promise((resolve) => left.on(left.events.GROUP_JOIN, resolve));
  await left.run({ autoCommit: false, eachMessage: async () => undefined });
  await joined;
  const since = performance.now();
  await takeNext([2, 3]);
  expect(performance.now() - since).toBeLessThan(10_000);
  await left.disconnect();
  // The first group is free again; what it has committed is old.
  await takeNext([4, 5]);
});

test("a handler that takes longer than the session lets other partitions and the membership be", async () => {
  const bus = await open(undefined, { sessionTimeoutMs: 1_000 });
  const done: number[] = [];
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await bus.subscribe({ topic: "commands", group: "g", from: "earliest" }, async (message) => {
    if (message.partition === 0) await released;
    done.push(numberOf(message));
  });
  for (const value of numbers(40)) {
    await bus.publish("commands", { key: "k", value: bytes(value), partition: value % 2 });
    await new Promise((resolve) => setTimeout(resolve, 75));
  }
  const odd = numbers(40).filter((value) => value % 2 === 1);
  await waitFor(() => done.length === odd.length, "the other partition");
  expect(done).toEqual(odd);
  release();
  await waitFor(() => done.length === 40, "the slow partition");
  expect(done.filter((value) => value % 2 === 0)).toEqual(numbers(40).filter((value) => value % 2 === 0));
  expect(bus.counters()).toMatchObject({ delivered: 40, resubscribed: 0 });
});

test("a backlog far beyond the queue in front of a handler comes whole and in order", async () => {
  const bus = await open();
  const count = 12_000;
  await Promise.all(numbers(count).map((value) => bus.publish("commands", { key: "k", value: bytes(value) })));
  const seen: number[] = [];
  const subscription = await bus.subscribe({ topic: "commands", group: "g", from: "earliest" }, async (message) => {
    if (numberOf(message) % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    seen.push(numberOf(message));
  });
  await subscription.caughtUp;
  expect(seen).toEqual(numbers(count));
});

test.skipIf(foreignBrokers)(
  "a broker that hangs makes publishes UNREACHABLE in time, and all works when it is back",
  async () => {
    const bus = await open(undefined, { patienceMs: 500 });
    const received = await collect(bus, { topic: "commands", group: "g", from: "earliest" });
    await publishAll(bus, [1], () => "k");
    await kafka.pause();
    const started = performance.now();
    await expectReason(bus.publish("commands", { key: "k", value: bytes(2) }), ErrorReason.UNREACHABLE);
    expect(performance.now() - started).toBeLessThan(15_000);
    await kafka.resume();
    await bus.publish("commands", { key: "k", value: bytes(3) });
    await waitFor(() => received.messages.some((message) => numberOf(message) === 3), "what came after", 30_000);
  },
  brokerTimeoutMs,
);

test.skipIf(foreignBrokers)(
  "closing does not hang on a broker that does, and what was published is refused",
  async () => {
    const bus = await open();
    await collect(bus, { topic: "commands", group: "g", from: "earliest" });
    await publishAll(bus, [1], () => "k");
    await kafka.pause();
    const refused = expectReason(bus.publish("commands", { key: "k", value: bytes(2) }), ErrorReason.UNREACHABLE);
    const started = performance.now();
    await bus.close();
    expect(performance.now() - started).toBeLessThan(15_000);
    await refused;
  },
  brokerTimeoutMs,
);

test.skipIf(foreignBrokers)(
  "a restart of the broker loses nothing that was acknowledged, and keeps the order",
  async () => {
    const bus = await open(undefined, { patienceMs: 30_000 });
    const received = await collect(bus, { topic: "commands", group: "g", from: "earliest" });
    let restarted = false;
    const restarting = kafka.restart().then(() => {
      restarted = true;
    });
    const acknowledged: number[] = [];
    const refused: unknown[] = [];
    const publishing: Promise<unknown>[] = [];
    for (let value = 0; !restarted || value < 300; value++) {
      const published = bus.publish("commands", { key: "k", value: bytes(value) });
      publishing.push(
        published.then(
          () => acknowledged.push(value),
          (error: unknown) => refused.push(error),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await restarting;
    await Promise.all(publishing);
    expect(refused.every((error) => hasReason(error, ErrorReason.UNREACHABLE))).toBe(true);
    const seen = () => new Set(received.messages.map(numberOf));
    await waitFor(() => acknowledged.every((value) => seen().has(value)), "everything acknowledged", 30_000);
    // What was sent twice may come twice; the first of each comes in order.
    const first = [...seen()];
    expect(first).toEqual([...first].sort((a, b) => a - b));
  },
  brokerTimeoutMs,
);
