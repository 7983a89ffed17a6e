// Batches of replies: what goes in comes out for every host, each body once, and nobody can put a body in another's place.
import { createHash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ReplyBatchSchema, ReplyOutcome, ReplySchema } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { readReply } from "../../services/relay/read-reply.js";
import { createReplyBatch } from "../../services/relay/reply-batch.js";
import { hostIdOf } from "../daemon/simulated-provider.js";
import { repliesOf } from "../shared/replies-of.js";

const commandIds = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"];
const runId = "33333333-3333-4333-8333-333333333333";
const digestOf = (body: Uint8Array) => createHash("sha256").update(body).digest();

interface Said {
  readonly host: string;
  readonly command?: number;
  readonly body: string;
  readonly digestOf?: string;
  readonly failed?: boolean;
  readonly fromJournal?: boolean;
  readonly durationMs?: number;
}

function received({ host, command = 0, body, digestOf: named = body, failed, fromJournal, durationMs = 5 }: Said) {
  const reply = create(ReplySchema, {
    commandId: commandIds[command] as string,
    runId,
    hostId: hostIdOf(host),
    outcome: failed ? ReplyOutcome.FAILED : ReplyOutcome.OK,
    body: Buffer.from(body),
    bodyDigest: digestOf(Buffer.from(named)),
    startedAt: timestampFromMs(1_000),
    finishedAt: timestampFromMs(1_000 + durationMs),
    fromJournal: fromJournal ?? false,
  });
  return readReply(Buffer.from(toBinary(ReplySchema, reply)));
}

function batchOf(said: readonly Said[]) {
  const batch = createReplyBatch();
  for (const each of said) batch.add(received(each));
  return { batch, message: fromBinary(ReplyBatchSchema, batch.encode()) };
}

test("property: every reply comes out as it went in, and each distinct body is there once", () => {
  const said = fc.record({
    host: fc.stringMatching(/^[a-z]{1,8}$/),
    command: fc.nat(1),
    body: fc.constantFrom("one", "two", "three"),
    failed: fc.boolean(),
    fromJournal: fc.boolean(),
    durationMs: fc.nat(100_000),
  });
  fc.assert(
    fc.property(fc.array(said, { minLength: 1, maxLength: 40 }), (all) => {
      const { batch, message } = batchOf(all);
      const show = (hostId: string, commandId: string, outcome: number, body: Uint8Array, journal: boolean) =>
        `${hostId} ${commandId} ${outcome} ${Buffer.from(body)} ${journal}`;
      const out = repliesOf(message).map((r) => show(r.hostId, r.commandId, r.outcome, r.body, r.fromJournal));
      const expected = all.map(({ host, command, body, failed, fromJournal }) =>
        show(hostIdOf(host), commandIds[command] as string, failed ? 2 : 1, Buffer.from(body), fromJournal),
      );
      expect(out.sort()).toEqual(expected.sort());
      for (const { bodies } of message.answers) {
        expect(new Set(bodies.map(({ body }) => Buffer.from(body).toString())).size).toBe(bodies.length);
      }
      expect(batch.size()).toBe(all.length);
      expect(batch.encode().length).toBeLessThanOrEqual(batch.bytes() + 256);
    }),
  );
});

test("a host that gives another's digest with a body of its own harms nobody else", () => {
  const { message } = batchOf([
    { host: "false", body: "forged", digestOf: "true" },
    { host: "a", body: "true" },
    { host: "b", body: "true" },
  ]);
  const answers = message.answers[0];
  expect(answers?.bodies.map(({ body }) => Buffer.from(body).toString())).toEqual(["forged", "true"]);
  expect(answers?.bodyIndexes).toEqual([0, 1, 1]);
});

test("a host that names another run for the command is passed on whole", () => {
  const batch = createReplyBatch();
  batch.add({ ...received({ host: "false", body: "x" }), runId: commandIds[1] as string });
  batch.add(received({ host: "a", body: "x" }));
  const { answers, others } = fromBinary(ReplyBatchSchema, batch.encode());
  expect(answers).toHaveLength(1);
  expect(others.map(({ hostId, runId: run }) => [hostId, run])).toEqual([[hostIdOf("a"), runId]]);
});

test.each<[string, Said[], string | undefined]>([
  [
    "one command",
    [
      { host: "a", body: "x" },
      { host: "b", body: "y", failed: true },
    ],
    commandIds[0],
  ],
  [
    "two commands",
    [
      { host: "a", body: "x" },
      { host: "a", body: "x", command: 1 },
    ],
    undefined,
  ],
])("a batch of %s knows so", (_, said, only) => {
  expect(batchOf(said).batch.onlyCommandId()).toBe(only);
});
