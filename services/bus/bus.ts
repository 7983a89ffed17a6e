// The bus between control plane and relays: ordered, partitioned topics with offsets. One contract suite
// (test/contract/bus.ts) holds for every implementation.

/** The topics of a fleet. Names on a broker are made from these, the fleet id and a version. */
export type Topic = "commands" | "replies" | "presence";

/** A message as it is published. */
export interface OutgoingMessage {
  /** Messages with one key keep their order; a compacted topic keeps the newest of each key. */
  readonly key: string;
  /** At most 1 MiB; TOO_LARGE otherwise. */
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
  /** Grows by one within a partition. */
  readonly offset: bigint;
  /** False when its handler failed or its subscriber stopped before, and it is delivered again. */
  readonly firstDelivery: boolean;
}

/** Where in the topic a subscription begins, when its group has no position yet. */
export type StartPosition = "earliest" | "latest";

export interface SubscribeOptions {
  readonly topic: Topic;
  /** Subscribers of one group share a topic's partitions; each group sees every message. Positions belong to the group. */
  readonly group: string;
  /** Only this partition, owned by this subscriber alone. */
  readonly partition?: number;
  readonly from: StartPosition;
  /** Messages of a partition that may be in the handler or wait for it; fetching pauses beyond. 1 keeps strict order. */
  readonly maxInFlight?: number;
}

/** Called in order of offset within a partition; its position moves on when it resolves, it is called again when it rejects. */
export type MessageHandler = (message: IncomingMessage) => Promise<void>;

export interface Subscription {
  /** Resolves when no handler of this subscription runs any more; unfinished messages go to the group's next subscriber. */
  close(): Promise<void>;
}

/** Open until closed by whoever opened it. Closing ends all its subscriptions. */
export interface Bus {
  /** Resolves when the message is durable as the implementation understands it. BUSY when a bounded queue is full. */
  publish(topic: Topic, message: OutgoingMessage): Promise<{ partition: number; offset: bigint }>;
  /** Resolves when messages flow. */
  subscribe(options: SubscribeOptions, handler: MessageHandler): Promise<Subscription>;
  /** Number of partitions of a topic. */
  partitions(topic: Topic): number;
  close(): Promise<void>;
}
