// What a remote bus does with messages while its server does not take them, over a simulated connection.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { BusConnection } from "../../services/bus/remote/bus-connection.js";
import { createPublisher, type PublisherOptions } from "../../services/bus/remote/publisher.js";
import { PublishResultSchema } from "../../services/gen/systemsmanager/bus/v1/bus_service_pb.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { bytes, expectReason, numbers } from "../contract/bus-messages.js";
import { testLog } from "../daemon/test-path.js";
import { waitFor } from "../shared/wait-for.js";

const away = failure(ErrorReason.UNREACHABLE, "simulated: away", { metadata: { address: "simulated" } });

/** `outcomes` are those of the calls, in order: an error, or undefined for one that takes everything, as do all further ones. */
function publisherOver(outcomes: readonly (Error | undefined)[], options: Partial<PublisherOptions> = {}) {
  const calls: number[][] = [];
  const publish: BusConnection["publish"] = async (messages) => {
    const outcome = outcomes[calls.push(messages.map(({ value }) => Buffer.from(value).readUInt32BE())) - 1];
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (outcome) throw outcome;
    return messages.map((_, index) =>
      create(PublishResultSchema, { result: { case: "place", value: { partition: 0, offset: BigInt(index) } } }),
    );
  };
  const counters = { published: 0, refusedBusy: 0, refusedTooLarge: 0 };
  const closing = new AbortController();
  const connection = { publish } as BusConnection;
  const publisher = createPublisher({
    connection,
    counters,
    queue: undefined,
    closing: closing.signal,
    log: testLog,
    ...options,
  });
  const send = (value: number, size = 4) => {
    const padded = Buffer.concat([bytes(value), Buffer.alloc(size - 4)]);
    return publisher.publish("replies", { key: "k", value: padded });
  };
  return { calls, counters, closing, publisher, send };
}

test("what is published at once goes in one call, what comes meanwhile in the next", async () => {
  const { calls, send } = publisherOver([]);
  const first = [send(1), send(2)];
  await waitFor(() => calls.length === 1, "the first call");
  await Promise.all([...first, send(3), send(4)]);
  expect(calls).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

test.each([
  ["500 messages", 1_100, 4, [500, 500, 100]],
  ["1 MiB", 5, 400_000, [2, 2, 1]],
  ["one message, if it alone is larger", 2, 1024 * 1024, [1, 1]],
])("a call carries at most %s", async (_what, count, size, lengths) => {
  const { calls, send } = publisherOver([]);
  await Promise.all(numbers(count).map((value) => send(value, size)));
  expect(calls.map((call) => call.length)).toEqual(lengths);
  expect(calls.flat()).toEqual(numbers(count));
});

test("while the server is away messages wait in order, and all are sent when it is back", async () => {
  const { calls, send, counters } = publisherOver([away, away]);
  await Promise.all(numbers(3).map((value) => send(value)));
  expect(calls).toEqual([numbers(3), numbers(3), numbers(3)]);
  expect(counters.published).toBe(3);
});

test("a message that waited too long is UNREACHABLE, and the next one is tried anew", async () => {
  const { send } = publisherOver(
    numbers(3).map(() => away),
    { patienceMs: 0 },
  );
  await expectReason(send(1), ErrorReason.UNREACHABLE);
  await expectReason(send(2), ErrorReason.UNREACHABLE);
  await expectReason(send(3), ErrorReason.UNREACHABLE);
  await send(4);
});

test("a call that is refused as a whole is not tried again", async () => {
  const denied = failure(ErrorReason.UNAUTHENTICATED, "simulated: the credential is not valid");
  const { calls, send } = publisherOver([denied]);
  await expectReason(send(1), ErrorReason.UNAUTHENTICATED);
  await send(2);
  expect(calls).toEqual([[1], [2]]);
});

test.each([
  ["number", { messages: 3, bytes: 1_000 }, 3],
  // The key has one byte, the value four.
  ["bytes", { messages: 1_000, bytes: 24 }, 4],
])("the queue is bounded by %s, also while the server is away", async (_what, queue, taken) => {
  const { send, counters, calls } = publisherOver([away], { queue });
  const results = await Promise.allSettled(numbers(10).map((value) => send(value)));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(taken);
  expect(calls).toEqual([numbers(taken), numbers(taken)]);
  expect(counters).toMatchObject({ published: taken, refusedBusy: 10 - taken });
  await send(99);
});

test("closing rejects at once what waits", async () => {
  const { send, closing } = publisherOver(numbers(100).map(() => away));
  const waiting = send(1);
  closing.abort(failure(ErrorReason.UNREACHABLE, "simulated: closed"));
  await expectReason(waiting, ErrorReason.UNREACHABLE);
});
