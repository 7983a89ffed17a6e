// The topics of a fleet on its brokers: created when they are missing, checked when they are there.
import kafkajs, { type Admin, type ITopicConfig } from "kafkajs";
import { ErrorReason, failure } from "../../shared/errors.js";
import { maxMessageBytes, type Topic } from "../bus.js";
import { topics } from "../wire.js";
import type { KafkaBusOptions } from "./kafka-options.js";
import { retryTransient } from "./retry-transient.js";

/** Name of the topic on the brokers. */
export function topicName(fleetId: string, topic: Topic): string {
  return `systems-manager.${fleetId}.${topic}.v1`;
}

/** Name of the group on the brokers. Groups of different topics are apart. */
export function groupName(fleetId: string, topic: Topic, group: string): string {
  return `systems-manager.${fleetId}.${topic}.${group}`;
}

interface Setting {
  readonly name: string;
  /** What a new topic gets. */
  readonly value: string;
  /** What a topic that is there must have: the same, or at least that much (-1 is without bound). */
  readonly must: "equal" | "reach" | "any";
  readonly least?: number;
}

const hourMs = 3_600_000;

// Commands: each relay reads them all; those of one run keep their order, and several partitions spread runs over brokers.
// Replies: each control plane owns one partition, so their number bounds that of control planes. Presence: by host.
const defaultPartitions: Readonly<Record<Topic, number>> = { commands: 4, replies: 16, presence: 8 };

// A largest message with key and headers, and the frame around them.
const largestBatchBytes = maxMessageBytes + 128 * 1024;

function settingsOf(topic: Topic, replicas: number): Setting[] {
  const inSync = replicas >= 3 ? 2 : 1;
  const kept: Setting[] =
    topic === "presence"
      ? [
          { name: "cleanup.policy", value: "compact", must: "equal" },
          { name: "min.cleanable.dirty.ratio", value: "0.1", must: "any" },
          { name: "segment.ms", value: String(hourMs), must: "any" },
        ]
      : [
          { name: "cleanup.policy", value: "delete", must: "equal" },
          // What waits longer than that is sent again by the control plane.
          { name: "retention.ms", value: String(24 * hourMs), must: "reach", least: hourMs },
        ];
  return [
    ...kept,
    { name: "max.message.bytes", value: String(largestBatchBytes), must: "reach", least: largestBatchBytes },
    { name: "min.insync.replicas", value: String(inSync), must: "reach", least: inSync },
    // Brokers refuse messages of senders whose clock runs ahead, unless they set the time themselves.
    { name: "message.timestamp.type", value: "LogAppendTime", must: "equal" },
  ];
}

/** Partitions by topic. INVALID_ARGUMENT when a topic is there with settings that do not do. */
export async function ensureTopics(admin: Admin, options: KafkaBusOptions): Promise<ReadonlyMap<Topic, number>> {
  const { brokers } = await askBrokers(() => admin.describeCluster());
  const replicas = options.replicationFactor ?? Math.min(3, brokers.length);
  const present = new Set(await askBrokers(() => admin.listTopics()));
  const missing = topics.filter((topic) => !present.has(topicName(options.fleetId, topic)));
  if (missing.length > 0) {
    // Someone else may create them at the same moment, which is as good; they are checked below.
    await admin.createTopics({
      topics: missing.map((topic) => newTopic(topic, replicas, options)),
      waitForLeaders: false,
    });
    for (const topic of missing) {
      await retryTransient(() => admin.fetchTopicOffsets(topicName(options.fleetId, topic)));
    }
  }
  return checkTopics(admin, options);
}

// kafkajs asks one broker after the other for its metadata, and takes apart what it does not have when none of them has answered.
async function askBrokers<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new kafkajs.KafkaJSConnectionError(`none of the brokers answered (${error.message})`);
  }
}

function newTopic(topic: Topic, replicas: number, options: KafkaBusOptions): ITopicConfig {
  return {
    topic: topicName(options.fleetId, topic),
    numPartitions: options.partitions?.[topic] ?? defaultPartitions[topic],
    replicationFactor: replicas,
    configEntries: settingsOf(topic, replicas).map(({ name, value }) => ({ name, value })),
  };
}

async function checkTopics(admin: Admin, options: KafkaBusOptions): Promise<Map<Topic, number>> {
  const names = topics.map((topic) => topicName(options.fleetId, topic));
  const metadata = await retryTransient(() => askBrokers(() => admin.fetchTopicMetadata({ topics: names })));
  const resources = names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }));
  const described = await admin.describeConfigs({ resources, includeSynonyms: false });
  const partitions = new Map<Topic, number>();
  for (const topic of topics) {
    const name = topicName(options.fleetId, topic);
    const found = metadata.topics.find((each) => each.name === name)?.partitions ?? [];
    checkPartitions(name, found.length, options.partitions?.[topic]);
    const replicas = Math.max(...found.map((partition) => partition.replicas.length));
    const entries = described.resources.find((each) => each.resourceName === name)?.configEntries ?? [];
    const values = new Map(entries.map((entry) => [entry.configName, entry.configValue]));
    for (const setting of settingsOf(topic, replicas)) checkSetting(name, setting, values.get(setting.name));
    partitions.set(topic, found.length);
  }
  return partitions;
}

function checkPartitions(name: string, found: number, wanted: number | undefined): void {
  if (wanted === undefined || found === wanted) return;
  const remedy =
    found < wanted
      ? `run kafka-topics.sh --alter --topic ${name} --partitions ${wanted}`
      : `delete the topic when nothing runs, or start with ${found} partitions`;
  throw mismatch(name, "partitions", String(found), String(wanted), remedy);
}

function checkSetting(name: string, { name: setting, value, must, least = 0 }: Setting, found = ""): void {
  if (must === "any") return;
  const does = must === "equal" ? found === value : Number(found) === -1 || Number(found) >= least;
  if (does) return;
  const wanted = must === "equal" ? value : `at least ${least}`;
  const change = `--add-config ${setting}=${value}`;
  throw mismatch(
    name,
    setting,
    found,
    wanted,
    `run kafka-configs.sh --alter --entity-type topics --entity-name ${name} ${change}`,
  );
}

function mismatch(topic: string, setting: string, found: string, wanted: string, remedy: string) {
  return failure(ErrorReason.INVALID_ARGUMENT, `topic ${topic} has ${setting} ${found || "unset"}, wanted: ${wanted}`, {
    metadata: { field: `${topic} ${setting}`, rule: wanted },
    remedy,
  });
}
