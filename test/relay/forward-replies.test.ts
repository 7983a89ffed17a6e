// Replies on their way to the bus: batches that fill under load, patience, bounds, and who is told what.
import { setTimeout as sleep } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import type { Bus, OutgoingMessage } from "../../services/bus/bus.js";
import { openEmbeddedBus } from "../../services/bus/embedded/open-embedded-bus.js";
import { ReplyBatchSchema } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { createAwaitedReplies } from "../../services/relay/awaited-replies.js";
import { createReplyForwarder } from "../../services/relay/forward-replies.js";
import type { ReceivedReply } from "../../services/relay/read-reply.js";
import { createRelayCounters } from "../../services/relay/relay-counters.js";
import type { ReplySource } from "../../services/relay/reply-lane.js";
import { createTraceMemory } from "../../services/relay/trace-memory.js";
import { ErrorReason, errorDetailOf, failure } from "../../services/shared/errors.js";
import { repliesOf } from "../shared/replies-of.js";
import { waitFor } from "../shared/wait-for.js";

afterEach(() => vi.useRealTimers());

const uuid = "11111111-1111-4111-8111-111111111111";

function replyOf(index: number, change: Partial<ReceivedReply> = {}): ReceivedReply {
  const bytes = Buffer.alloc(620, index);
  const answer = { body: bytes, digest: Buffer.alloc(32, index), durationMs: index, fromJournal: false };
  const hostId = index.toString(16).padStart(32, "0");
  return { commandId: uuid, runId: uuid, hostId, partition: 0, answer, bytes, ...change };
}

function recordingSource() {
  const taken: number[] = [];
  const refused: unknown[] = [];
  const reading: boolean[] = [];
  const source: ReplySource = {
    taken: (number) => taken.push(number),
    refused: (error) => refused.push(error),
    setReading: (wanted) => reading.push(wanted),
  };
  return { source, taken, refused, reading };
}

function open(publish: (message: OutgoingMessage) => Promise<void>, change = {}) {
  const messages: { at: number; value: Uint8Array; partition: number | undefined }[] = [];
  const bus: Bus = {
    ...openEmbeddedBus(),
    publish: async (_, message) => {
      await publish(message);
      messages.push({ at: performance.now(), value: message.value, partition: message.partition });
      return { partition: 0, offset: 0n };
    },
  };
  const counters = createRelayCounters();
  const awaited = createAwaitedReplies();
  const bound = { messages: 20_000, bytes: 1 << 26 };
  const options = {
    bus,
    relayId: "r",
    counters,
    log: pino({ level: "silent" }),
    replyPatienceMs: 200,
    traces: createTraceMemory(),
    awaited,
  };
  const forwarder = createReplyForwarder({ ...options, maxWaitingReplies: bound, ...change });
  const hosts = () => messages.flatMap(({ value }) => repliesOf(fromBinary(ReplyBatchSchema, value)));
  return { forwarder, counters, awaited, messages, hosts };
}

test("a lone reply leaves at once", async () => {
  const { forwarder, awaited, messages } = open(async () => undefined);
  const { source, taken } = recordingSource();
  awaited.expect(uuid, 1);
  forwarder.forward(replyOf(1), source, 1);
  await sleep(0);
  expect(taken).toEqual([1]);
  expect(messages).toHaveLength(1);
});

test("a reply to a command that is not known leaves without others", async () => {
  const { forwarder } = open(async () => undefined);
  const { source, taken } = recordingSource();
  forwarder.forward(replyOf(1), source, 1);
  await waitFor(() => taken.length === 1, "the reply");
});

test("5,000 replies travel in batches of at most 500, none is lost, and each source is told its numbers in order", async () => {
  const { forwarder, messages, hosts, counters } = open(() => sleep(3));
  const sources = Array.from({ length: 50 }, recordingSource);
  for (let index = 0; index < 5_000; index++) {
    const source = sources[index % 50] as ReturnType<typeof recordingSource>;
    forwarder.forward(replyOf(index), source.source, Math.floor(index / 50) + 1);
  }
  expect(forwarder.waiting()).toEqual({ messages: 5_000, bytes: 5_000 * 620 });
  await waitFor(() => counters.replies === 5_000, "all replies");
  expect(messages.length).toBeLessThanOrEqual(12);
  expect(new Set(hosts().map(({ hostId }) => hostId)).size).toBe(5_000);
  const inOrder = Array.from({ length: 100 }, (_, index) => index + 1);
  for (const { taken } of sources) expect(taken).toEqual(inOrder);
  expect(forwarder.waiting()).toEqual({ messages: 0, bytes: 0 });
});

test("replies that trickle in leave in few batches while many are awaited, and at once with the last of them", async () => {
  const { forwarder, awaited, messages, counters } = open(async () => undefined);
  const { source } = recordingSource();
  awaited.expect(uuid, 300);
  // Three in each millisecond, however busy the machine is.
  vi.useFakeTimers();
  for (let index = 1; index <= 300; index++) {
    forwarder.forward(replyOf(index), source, index);
    if (index % 3 === 0) await vi.advanceTimersByTimeAsync(1);
  }
  await vi.advanceTimersByTimeAsync(0);
  expect(counters.replies).toBe(300);
  expect(messages.length).toBeLessThanOrEqual(12);
});

test("replies that trickle in while a slow bus takes a batch wait for it together", async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { forwarder, messages, counters } = open(() => released);
  const { source } = recordingSource();
  for (let index = 1; index <= 30; index++) {
    forwarder.forward(replyOf(index), source, index);
    await sleep(5);
  }
  release();
  await waitFor(() => counters.replies === 30, "all replies");
  expect(messages).toHaveLength(2);
});

test("a batch ends before it is larger than 512 KiB, and a reply larger than that travels alone", async () => {
  const { forwarder, messages, counters } = open(async () => undefined);
  const { source } = recordingSource();
  const large = Buffer.alloc(900 * 1024);
  for (let index = 1; index <= 20; index++) {
    const body = index === 10 ? large : Buffer.alloc(100 * 1024, index);
    const answer = { body, digest: Buffer.alloc(32, index), durationMs: 0, fromJournal: false };
    forwarder.forward(replyOf(index, { answer, bytes: body }), source, index);
  }
  await waitFor(() => counters.replies === 20, "all replies");
  const sizes = messages.map(({ value }) => value.length);
  expect(Math.max(...sizes)).toBeLessThan(901 * 1024);
  expect(sizes.filter((size) => size > 513 * 1024)).toHaveLength(1);
});

test.each([ErrorReason.BUSY, ErrorReason.UNREACHABLE])(
  "a bus that says reason %s for a while gets the batch when it can, once",
  async (reason) => {
    let refusals = 2;
    const { forwarder, hosts, counters } = open(
      async () => {
        if (refusals-- > 0) throw failure(reason, "not now");
      },
      { replyPatienceMs: 10_000 },
    );
    const { source, taken, refused } = recordingSource();
    forwarder.forward(replyOf(1), source, 1);
    await waitFor(() => taken.length === 1, "the reply");
    expect(hosts()).toHaveLength(1);
    expect(refused).toEqual([]);
    expect(counters).toMatchObject({ replies: 1, refusedReplies: 0, lostReplies: 0 });
  },
);

test("when patience ends every source of the batch is told to bring its replies again", async () => {
  const { forwarder, counters } = open(async () => {
    throw failure(ErrorReason.UNREACHABLE, "the bus is away");
  });
  const sources = [recordingSource(), recordingSource()];
  sources.forEach(({ source }, index) => {
    forwarder.forward(replyOf(index), source, 1);
  });
  await waitFor(() => sources.every(({ refused }) => refused.length === 1), "the refusals");
  expect(errorDetailOf(sources[0]?.refused[0]).reason).toBe(ErrorReason.UNREACHABLE);
  expect(counters).toMatchObject({ replies: 0, refusedReplies: 2, lostReplies: 0 });
  expect(forwarder.waiting().messages).toBe(0);
});

test.each<[string, Partial<ReceivedReply>, () => Promise<void>]>([
  ["a partition that is not there", { partition: 4_000_000_000 }, async () => undefined],
  [
    "a size that the bus never takes",
    {},
    async () => {
      throw failure(ErrorReason.TOO_LARGE, "too large");
    },
  ],
])("a reply with %s is counted as lost and not brought again", async (_, change, publish) => {
  const { forwarder, counters } = open(publish);
  const { source, taken, refused } = recordingSource();
  forwarder.forward(replyOf(1, change), source, 1);
  await waitFor(() => taken.length === 1, "the word on it");
  expect(refused).toEqual([]);
  expect(counters).toMatchObject({ replies: 0, lostReplies: 1 });
});

test("beyond the bound sources are held, and let go when half of it is gone", async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { forwarder, counters } = open(() => released, { maxWaitingReplies: { messages: 10, bytes: 1 << 20 } });
  const { source, reading } = recordingSource();
  for (let index = 1; index < 10; index++) forwarder.forward(replyOf(index), source, index);
  expect(reading).toEqual([]);
  forwarder.forward(replyOf(10), source, 10);
  expect(reading).toEqual([false]);
  release();
  await waitFor(() => counters.replies === 10, "the replies");
  expect(reading).toEqual([false, true]);
});

test("closing publishes what waits", async () => {
  const { forwarder, counters } = open(async () => undefined);
  const { source, taken } = recordingSource();
  forwarder.forward(replyOf(1), source, 1);
  await forwarder.close();
  expect(taken).toEqual([1]);
  expect(counters.replies).toBe(1);
});
