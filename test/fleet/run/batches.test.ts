// Answers that come in columns and in batches mean what the same replies mean one by one.
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { groupByRun } from "../../../services/fleet/run/group-replies.js";
import { newRecord, subjectOf } from "../../../services/fleet/run/run-order.js";
import { createStoredRun, loadStoredRun, rangeOf } from "../../../services/fleet/run/run-store.js";
import { TrackedRun } from "../../../services/fleet/run/tracked-run.js";
import { openStateDatabase } from "../../../services/fleet/state-database.js";
import {
  CommandAnswersSchema,
  ReplyBatchSchema,
  ReplyOutcome,
  ReplySchema,
} from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { encodeHostIds } from "../../../services/identity/target-tree.js";
import { findOperation } from "../../../services/shared/operations.js";
import { eventually } from "./eventually.js";
import { listServices, services } from "./fleet-under-test.js";

const directory = mkdtempSync(join(tmpdir(), "batches-"));
const database = openStateDatabase(directory);
const hostCount = 6;
const targets = Array.from({ length: hostCount }, (_, index) => ({
  hostId: `${index}`.repeat(32),
  name: `host-${index}`,
}));
const stranger = "f".repeat(32);
const bodies = [services("a.service"), services("b.service", "c.service"), Buffer.from([0xff, 0xff])];

afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

interface Answer {
  /** Beyond the last target: a host that is none. */
  readonly host: number;
  readonly body: number;
  readonly durationMs: number;
  readonly outcome: ReplyOutcome;
  readonly otherCommand: boolean;
  readonly wrongDigest: boolean;
}

const answer: fc.Arbitrary<Answer> = fc.record({
  host: fc.nat({ max: hostCount }),
  body: fc.nat({ max: bodies.length - 1 }),
  durationMs: fc.nat({ max: 5_000 }),
  outcome: fc.constantFrom(ReplyOutcome.OK, ReplyOutcome.OK, ReplyOutcome.OK, ReplyOutcome.FAILED, ReplyOutcome.DENIED),
  otherCommand: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
  wrongDigest: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
});

async function begin(hosts = targets): Promise<TrackedRun> {
  const operation = findOperation(listServices);
  const basics = { operation, request: new Uint8Array(), selector: "all", principal: "local", timeoutMs: 60_000 };
  const order = { ...basics, targets: hosts };
  const record = newRecord(order, randomUUID());
  const times = { timeoutMs: 5_000, deadlineMs: record.deadlineMs, expiresAtMs: record.deadlineMs };
  const commands = [{ commandId: "the-command", signed: new Uint8Array(), spans: [0, hosts.length], ...times }];
  const stored = { record, subject: subjectOf(order), commands };
  await createStoredRun(database, stored);
  return new TrackedRun(database, stored);
}

function digestOf({ body, wrongDigest }: Answer): Buffer {
  return createHash("sha256")
    .update(wrongDigest ? "something else" : (bodies[body] as Uint8Array))
    .digest();
}

function hostIdOf({ host }: Answer): string {
  return targets[host]?.hostId ?? stranger;
}

function commandOf({ otherCommand }: Answer): string {
  return otherCommand ? "another-command" : "the-command";
}

function replyOf(given: Answer, runId: string) {
  const isOk = given.outcome === ReplyOutcome.OK;
  return create(ReplySchema, {
    runId,
    commandId: commandOf(given),
    hostId: hostIdOf(given),
    outcome: given.outcome,
    startedAt: timestampFromMs(0),
    finishedAt: timestampFromMs(given.durationMs),
    ...(isOk ? { body: bodies[given.body] as Uint8Array, bodyDigest: digestOf(given) } : { message: "because" }),
  });
}

/** As a relay puts them: OK answers in columns of distinct bodies, the others whole. Their order among each other is the columns'. */
function batchOf(given: readonly Answer[], runId: string) {
  const columns = new Map<string, Answer[]>();
  for (const each of given.filter(({ outcome }) => outcome === ReplyOutcome.OK)) {
    columns.set(commandOf(each), [...(columns.get(commandOf(each)) ?? []), each]);
  }
  const answers = [...columns].map(([commandId, list]) => {
    const distinct = [...new Map(list.map((each) => [`${each.body} ${each.wrongDigest}`, each])).values()];
    const indexOf = (each: Answer) =>
      distinct.findIndex(({ body, wrongDigest }) => body === each.body && wrongDigest === each.wrongDigest);
    return create(CommandAnswersSchema, {
      commandId,
      runId,
      bodies: distinct.map((each) => ({ body: bodies[each.body] as Uint8Array, digest: digestOf(each) })),
      hostIds: encodeHostIds(list.map(hostIdOf)),
      bodyIndexes: list.map(indexOf),
      durationMilliseconds: list.map(({ durationMs }) => durationMs),
    });
  });
  const others = given.filter(({ outcome }) => outcome !== ReplyOutcome.OK).map((each) => replyOf(each, runId));
  return create(ReplyBatchSchema, { answers, others });
}

/** The order in which a batch is read. */
function inBatchOrder(given: readonly Answer[]): Answer[] {
  const isOk = ({ outcome }: Answer) => outcome === ReplyOutcome.OK;
  const byCommand = (each: Answer) => given.findIndex((other) => isOk(other) && commandOf(other) === commandOf(each));
  const ok = given.filter(isOk).sort((a, b) => byCommand(a) - byCommand(b));
  return [...ok, ...given.filter((each) => !isOk(each))];
}

/** Everything about a run that somebody can see, but when it happened and how often it was revised. */
function seen(run: TrackedRun) {
  const { accounting } = run.toMessage();
  const hosts = targets.map((_, index) => {
    const known = run.answerOf(index);
    return known && { ...known, body: known.digest && Buffer.from(run.bodyOf(known.digest)).toString("hex") };
  });
  const groups = run.groups().sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return { accounting, hosts, groups, finished: run.isFinished };
}

test("a batch and its replies one by one give the same run, in memory and on disk", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(answer, { maxLength: 8 }), { maxLength: 5 }), async (batches) => {
      const [together, single] = [await begin(), await begin()];
      for (const batch of batches) {
        const { runId } = together.record;
        const group = groupByRun(batchOf(batch, runId)).get(runId);
        if (group) await together.accept(group);
        const replies = inBatchOrder(batch).map((each) => replyOf(each, single.record.runId));
        await Promise.all(replies.map((reply) => single.accept({ answers: [], others: [reply] })));
        expect(seen(together)).toEqual(seen(single));
      }
      together.account.verify();
      if (together.isFinished) await Promise.all([together.finished, single.finished]);
      await database.flushed();
      for (const run of [together, single]) {
        const stored = loadStoredRun(database, run.record.runId);
        expect(stored && seen(new TrackedRun(database, stored))).toEqual(seen(single));
      }
    }),
    { numRuns: 80 },
  );
});

test("a run that came in very many rows is one row when it is finished, and reads the same", async () => {
  const many = 60;
  const hosts = Array.from({ length: many }, (_, index) => ({
    hostId: index.toString(16).padStart(32, "0"),
    name: `host-${index}`,
  }));
  const run = await begin(hosts);
  const { runId } = run.record;
  const rows = () => [...database.answers.getKeys(rangeOf(runId))].length;
  for (const [index, { hostId }] of hosts.entries()) {
    if (index === many - 1) expect(rows()).toBe(many - 1);
    const body = services(`${index % 7}.service`);
    const bodyDigest = createHash("sha256").update(body).digest();
    const fields = { runId, commandId: "the-command", hostId, outcome: ReplyOutcome.OK, body, bodyDigest };
    await run.accept({ answers: [], others: [create(ReplySchema, fields)] });
  }
  await run.finished;
  await eventually(() => expect(rows()).toBe(1));
  const stored = loadStoredRun(database, runId);
  const again = new TrackedRun(database, stored as NonNullable<typeof stored>);
  expect(again.groups()).toEqual(run.groups());
  expect(again.groups()).toHaveLength(7);
  again.account.verify();
});
