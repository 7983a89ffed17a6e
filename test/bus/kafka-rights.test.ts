// The rights that the README lists, on a broker with an authorizer: enough for each part of the product, and no more than it needs.
import kafkajs, { type AclEntry, Kafka as KafkaClient, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bus, Topic } from "../../services/bus/bus.js";
import { topicName } from "../../services/bus/kafka/topics.js";
import { openBus } from "../../services/bus/open-bus.js";
import { ErrorReason } from "../../services/shared/errors.js";
import { bytes, collect, expectReason, numberOf } from "../contract/bus-messages.js";
import { testLog } from "../daemon/test-path.js";
import { foreignBrokers, type Kafka, saslUser, startKafka } from "../kafka/start-kafka.js";

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const fleetId = "rights";
const users = ["control-plane", "relay", "stranger"] as const;
type User = (typeof users)[number];

let kafka: Kafka;

const jaasUsers = [saslUser.username, ...users].map((name) => `user_${name}="${passwordOf(name)}"`).join(" ");

const authorizer = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "super.users": `User:ANONYMOUS;User:${saslUser.username}`,
  "listener.name.client.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required ${jaasUsers};`,
};

function passwordOf(name: string): string {
  return name === saslUser.username ? saslUser.password : `password of ${name}`;
}

function sasl(username: string) {
  return { mechanism: "plain", username, password: passwordOf(username) } as const;
}

function open(user: User): Promise<Bus> {
  return openBus({ kind: "kafka", brokers: kafka.brokers, fleetId, log: testLog, sasl: sasl(user) });
}

function allow(user: User, operation: keyof typeof AclOperationTypes, on: Topic | "topics" | "groups"): AclEntry {
  const isPrefix = on === "topics" || on === "groups";
  return {
    principal: `User:${user}`,
    host: "*",
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: on === "groups" ? AclResourceTypes.GROUP : AclResourceTypes.TOPIC,
    resourceName: isPrefix ? `systems-manager.${fleetId}.` : topicName(fleetId, on),
    resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  };
}

// As the README lists them.
const rights: AclEntry[] = [
  ...(["CREATE", "READ", "WRITE", "DESCRIBE_CONFIGS"] as const).map((each) => allow("control-plane", each, "topics")),
  allow("control-plane", "READ", "groups"),
  ...(["DESCRIBE", "DESCRIBE_CONFIGS"] as const).map((each) => allow("relay", each, "topics")),
  allow("relay", "READ", "commands"),
  allow("relay", "WRITE", "replies"),
  allow("relay", "WRITE", "presence"),
  allow("relay", "READ", "groups"),
];

async function grant(acl: AclEntry[]): Promise<void> {
  const client = new KafkaClient({
    brokers: [...kafka.brokers],
    sasl: sasl(saslUser.username),
    logLevel: logLevel.NOTHING,
  });
  const admin = client.admin();
  await admin.connect();
  await admin.createAcls({ acl });
  await admin.disconnect();
}

async function expectPassage(topic: Topic, from: Bus, to: Bus): Promise<void> {
  const received = await collect(to, { topic, group: "reader", from: "latest" });
  await from.publish(topic, { key: "k", value: bytes(7) });
  expect((await received.count(1)).map(numberOf)).toEqual([7]);
  await received.subscription.close();
}

describe.skipIf(foreignBrokers)("a broker that asks for rights", () => {
  const buses = new Map<User, Bus>();
  const busOf = (user: User) => buses.get(user) as Bus;

  beforeAll(async () => {
    kafka = await startKafka({ listener: "sasl", properties: authorizer });
    await grant(rights);
    // Whoever may create the topics starts first.
    buses.set("control-plane", await open("control-plane"));
    buses.set("relay", await open("relay"));
  });

  afterAll(async () => {
    await Promise.all([...buses.values()].map((bus) => bus.close()));
    await kafka.stop();
  });

  test.each<[Topic, User, User]>([
    ["commands", "control-plane", "relay"],
    ["replies", "relay", "control-plane"],
    ["presence", "relay", "control-plane"],
  ])("%s go from the %s to the %s", async (topic, from, to) => {
    await expectPassage(topic, busOf(from), busOf(to));
  });

  test("a relay that publishes a command is PERMISSION_DENIED", async () => {
    await expectReason(
      busOf("relay").publish("commands", { key: "k", value: bytes(1) }),
      ErrorReason.PERMISSION_DENIED,
    );
  });

  test.each(["replies", "presence"] as const)("a relay that reads %s is PERMISSION_DENIED", async (topic) => {
    const reading = busOf("relay").subscribe({ topic, group: "curious", from: "latest" }, async () => undefined);
    await expectReason(reading, ErrorReason.PERMISSION_DENIED);
  });

  test("a user without rights is PERMISSION_DENIED at open", async () => {
    await expectReason(open("stranger"), ErrorReason.PERMISSION_DENIED);
  });
});
