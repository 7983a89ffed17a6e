import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { newRecord, subjectOf } from "../../../services/fleet/run/run-order.js";
import { createStoredRun, loadStoredRun } from "../../../services/fleet/run/run-store.js";
import { TrackedRun } from "../../../services/fleet/run/tracked-run.js";
import { openStateDatabase } from "../../../services/fleet/state-database.js";
import { type Reply, ReplyOutcome, ReplySchema } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason } from "../../../services/shared/errors.js";
import { findOperation } from "../../../services/shared/operations.js";
import { listServices, services } from "./fleet-under-test.js";

const directory = mkdtempSync(join(tmpdir(), "tracked-run-"));
const database = openStateDatabase(directory);
const hostCount = 5;
const targets = Array.from({ length: hostCount }, (_, index) => ({
  hostId: `${index}`.repeat(32),
  name: `host-${index}`,
}));
const problem = { reason: ErrorReason.DEADLINE_EXCEEDED, message: "late", remedy: "", metadata: {} };

afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

type Step =
  | { kind: "reply"; host: number; outcome: ReplyOutcome; flaw: "none" | "digest" | "host" | "command" | "body" }
  | { kind: "offline"; host: number }
  | { kind: "cancel" }
  | { kind: "deadline" }
  | { kind: "restart" };

const outcomes = [
  ReplyOutcome.OK,
  ReplyOutcome.FAILED,
  ReplyOutcome.DENIED,
  ReplyOutcome.EXPIRED,
  ReplyOutcome.CANCELLED,
  ReplyOutcome.INDETERMINATE,
  ReplyOutcome.UNSPECIFIED,
];
const host = fc.nat({ max: hostCount - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("reply" as const),
      host,
      outcome: fc.constantFrom(...outcomes),
      flaw: fc.constantFrom("none", "none", "none", "digest", "host", "command", "body" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("offline" as const), host }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: "cancel" }, { kind: "deadline" }, { kind: "restart" }) },
);

/** What the run must say, worked out another way: from the list of all steps so far, host by host. */
function expected(steps: readonly Step[]) {
  const states = new Array<HostState>(hostCount).fill(HostState.QUEUED);
  const answered = new Array<boolean>(hostCount).fill(false);
  const counters = { duplicateReplies: 0, lateReplies: 0, invalidReplies: 0 };
  let revision = 1;
  for (const each of steps) {
    const finished = !states.includes(HostState.QUEUED);
    if (each.kind === "offline" && states[each.host] === HostState.QUEUED) states[each.host] = HostState.NO_ANSWER;
    if (each.kind === "cancel" || each.kind === "deadline") {
      const to = each.kind === "cancel" ? HostState.CANCELLED : HostState.NO_ANSWER;
      states.forEach((state, index) => {
        if (state === HostState.QUEUED) states[index] = to;
      });
    }
    if (each.kind !== "reply") continue;
    const isOk = each.outcome === ReplyOutcome.OK;
    const valid = each.outcome !== ReplyOutcome.UNSPECIFIED && each.flaw !== "host" && each.flaw !== "command";
    if (!valid || (isOk && each.flaw === "digest")) counters.invalidReplies++;
    else if (answered[each.host]) counters.duplicateReplies++;
    else {
      const to = isOk && each.flaw === "body" ? HostState.FAILED : stateOf(each.outcome);
      const confirms = to === HostState.CANCELLED && states[each.host] === to;
      if (states[each.host] !== HostState.QUEUED && !confirms) counters.lateReplies++;
      if (finished && states[each.host] !== to) revision++;
      answered[each.host] = true;
      states[each.host] = to;
    }
  }
  return { states, counters, revision };
}

function stateOf(outcome: ReplyOutcome): HostState {
  return HostState[ReplyOutcome[outcome] as keyof typeof HostState];
}

function replyFor(run: TrackedRun, { host: index, outcome, flaw }: Step & { kind: "reply" }): Reply {
  const body = flaw === "body" ? Buffer.from([0xff, 0xff]) : services(`service-${index}.service`);
  const digest = createHash("sha256")
    .update(flaw === "digest" ? "other" : body)
    .digest();
  return create(ReplySchema, {
    runId: run.record.runId,
    commandId: flaw === "command" ? "other" : (run.commands.all[0]?.commandId as string),
    hostId: flaw === "host" ? "f".repeat(32) : (targets[index]?.hostId as string),
    outcome,
    body,
    bodyDigest: digest,
  });
}

async function begin(): Promise<TrackedRun> {
  const operation = findOperation(listServices);
  const order = {
    operation,
    request: new Uint8Array(),
    selector: "all",
    principal: "local",
    targets,
    timeoutMs: 60_000,
  };
  const record = newRecord(order, randomUUID());
  const times = { timeoutMs: 5_000, deadlineMs: record.deadlineMs, expiresAtMs: record.deadlineMs };
  const commands = [{ commandId: "the-command", signed: new Uint8Array(), spans: [0, hostCount], ...times }];
  await createStoredRun(database, { record, subject: subjectOf(order), commands });
  return new TrackedRun(database, { record, subject: subjectOf(order), commands });
}

async function reload(runId: string): Promise<TrackedRun> {
  await database.flushed();
  const stored = loadStoredRun(database, runId);
  if (!stored) throw new Error("the run was not stored");
  return new TrackedRun(database, stored);
}

test("random replies, cancels, deadlines, offline hosts and restarts keep the identity and one state per host", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let run = await begin();
      for (const [index, each] of steps.entries()) {
        if (each.kind === "reply") await run.accept({ answers: [], others: [replyFor(run, each)] });
        if (each.kind === "offline") run.close([[each.host, problem]], HostState.NO_ANSWER);
        if (each.kind === "cancel") run.closeAll(HostState.CANCELLED, problem);
        if (each.kind === "deadline") run.closeAll(HostState.NO_ANSWER, problem);
        if (run.isFinished) await run.finished;
        if (each.kind === "restart") run = await reload(run.record.runId);
        check(run, steps.slice(0, index + 1));
      }
      check(await reload(run.record.runId), steps);
    }),
    { numRuns: 150 },
  );
});

function check(run: TrackedRun, steps: readonly Step[]): void {
  const { states, counters, revision } = expected(steps);
  expect(targets.map((_, index) => run.account.stateOf(index))).toEqual(states);
  expect(targets.map((_, index) => run.answerOf(index)?.state ?? HostState.QUEUED)).toEqual(states);
  const { accounting, ...message } = run.toMessage();
  expect(accounting).toMatchObject(counters);
  expect(message.revision).toBe(revision);
  const counted = (state: HostState) => states.filter((each) => each === state).length;
  expect(accounting).toMatchObject({
    targeted: hostCount,
    ok: counted(HostState.OK),
    failed: counted(HostState.FAILED),
    denied: counted(HostState.DENIED),
    expired: counted(HostState.EXPIRED),
    queued: counted(HostState.QUEUED),
    cancelled: counted(HostState.CANCELLED),
    noAnswer: counted(HostState.NO_ANSWER),
    indeterminate: counted(HostState.INDETERMINATE),
  });
  expect(run.isFinished).toBe(!states.includes(HostState.QUEUED));
  run.account.verify();
}
