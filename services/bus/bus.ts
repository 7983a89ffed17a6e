// The bus between control plane and relays: ordered, partitioned topics with offsets. One contract suite
// (test/contract/bus.ts) holds for every implementation.

/** The topics of a fleet. Names on a broker are made from these, the fleet id and a version. */
export type Topic = "commands" | "replies" | "presence";

/** Topics that keep the newest message of each key. */
export const compactedTopics: ReadonlySet<Topic> = new Set(["presence"]);

/** Largest value of a message, in bytes. */
export const maxMessageBytes = 1024 * 1024;

/** A message as it is published. */
export interface OutgoingMessage {
  /** Messages with one key keep their order; a compacted topic (presence) keeps at least the newest of each key. */
  readonly key: string;
  /** At most maxMessageBytes; TOO_LARGE otherwise. */
  readonly value: Uint8Array;
  /** Trace context and the like. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which partition; absent: by key. */
  readonly partition?: number;
  /** Milliseconds since the epoch after which no subscriber needs it; such messages are skipped and counted. */
  readonly expiresAtMs?: number;
}

/** A message as a subscriber gets it. */
export interface IncomingMessage extends OutgoingMessage {
  readonly partition: number;
  /** Grows by one with each message published to a partition; what expired or was compacted away leaves gaps. */
  readonly offset: bigint;
  /**
   * 1, and one more each time this subscription's handler rejected it. What another subscriber left unfinished comes with 1
   * again, so handlers must bear to see a message twice in any case.
   */
  readonly attempt: number;
}

/** Where in the topic a subscription begins, when its group has no position yet. */
export type StartPosition = "earliest" | "latest";

export interface SubscribeOptions {
  readonly topic: Topic;
  /** Subscribers of one group share a topic's partitions; each group sees every message. Positions belong to the group. */
  readonly group: string;
  /** Only this partition; the subscriber must then be the only one of its group. */
  readonly partition?: number;
  readonly from: StartPosition;
  /** Messages of a partition that may be in the handler at one time; 1, the default, keeps strict order. */
  readonly maxInFlight?: number;
  /** True by default. False: it begins at `from` every time, and the group keeps nothing of how far it came. */
  readonly keepPosition?: boolean;
  /**
   * True when nobody else subscribes to the group: then the subscriber does not wait for a former one that was killed. False by
   * default.
   */
  readonly alone?: boolean;
}

/**
 * Called in order of offset within a partition. When it rejects it is called again with the same message after a pause, and with
 * maxInFlight 1 nothing overtakes it: a message that can never be handled must be counted and let go by the handler.
 * The group's position is the oldest message whose handler has not resolved.
 */
export type MessageHandler = (message: IncomingMessage) => Promise<void>;

export interface Subscription {
  /**
   * Resolves when everything is handled that was in its partitions when it was subscribed; when it closes, too. Partitions that go to
   * another subscriber of the group are no longer waited for.
   */
  readonly caughtUp: Promise<void>;
  /** Messages that it skipped because they had expired; only grows. */
  expired(): number;
  /** Resolves when no handler of this subscription runs any more; unfinished messages go to the group's next subscriber. */
  close(): Promise<void>;
}

/** A number of messages and of bytes; as a bound, whichever is reached first. */
export interface MessageBound {
  readonly messages: number;
  readonly bytes: number;
}

export interface BusOptions {
  /** Partitions by topic; each has a default. */
  readonly partitions?: Partial<Record<Topic, number>>;
  /** Published messages that the other side has not taken yet, per partition; a publish beyond is BUSY. */
  readonly queue?: MessageBound;
  /** Messages a partition keeps for groups that come later; the oldest go first. Compacted topics keep the newest of each key. */
  readonly retention?: MessageBound;
}

/** What happened on this bus object since it was opened. Every number only grows. */
export interface BusCounters {
  readonly published: number;
  /** Publishes refused with BUSY. */
  readonly refusedBusy: number;
  /** Publishes refused with TOO_LARGE. */
  readonly refusedTooLarge: number;
  /** Handler calls that resolved. */
  readonly delivered: number;
  /** Handler calls that rejected; each is followed by another call unless the subscription closed. */
  readonly rejected: number;
  /** Messages that a subscription skipped because they had expired. */
  readonly expired: number;
  /** Times that a subscription was cut off and opened again. */
  readonly resubscribed: number;
}

/** How far a subscription is behind. */
export interface SubscriptionGauge {
  readonly topic: Topic;
  readonly group: string;
  /** Messages in its partitions, as far as this side knows of them, that are not handled yet. */
  readonly behind: number;
}

/** What is under way on this bus object now. */
export interface BusGauges {
  /** Published messages that are not durable yet. */
  readonly waiting: MessageBound;
  /** One for each open subscription. */
  readonly subscriptions: readonly SubscriptionGauge[];
}

/** Open until closed by whoever opened it. Closing ends all its subscriptions. */
export interface Bus {
  /** Resolves when the message is durable as the implementation understands it. BUSY when a bounded queue is full. */
  publish(topic: Topic, message: OutgoingMessage): Promise<{ partition: number; offset: bigint }>;
  /** Resolves when messages flow. */
  subscribe(options: SubscribeOptions, handler: MessageHandler): Promise<Subscription>;
  /** Number of partitions of a topic. */
  partitions(topic: Topic): number;
  counters(): BusCounters;
  gauges(): BusGauges;
  close(): Promise<void>;
}
