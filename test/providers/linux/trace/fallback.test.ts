// Sessions on a host whose kernel gives no events: without the addon, which is as good as a kernel that refuses it.
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { EventKind } from "../../../../services/gen/systemsmanager/trace/v1/event_pb.js";
import { TraceQuestionSchema } from "../../../../services/gen/systemsmanager/trace/v1/question_pb.js";
import { TraceState } from "../../../../services/gen/systemsmanager/trace/v1/reading_pb.js";
import { TraceEventsRequestSchema } from "../../../../services/gen/systemsmanager/trace/v1/trace_service_pb.js";
import { straceSlowdown } from "../../../../services/providers/linux/strace/open-strace-capture.js";
import { openInvestigationsOf } from "../../../../services/providers/linux/trace/open-investigation.js";
import { createEventStreams } from "../../../../services/providers/trace/event-streams.js";
import { createTraceSessions } from "../../../../services/providers/trace/trace-sessions.js";
import { ErrorReason, errorDetailOf, explainError } from "../../../../services/shared/errors.js";
import { testLog } from "../../../daemon/test-path.js";
import { startActor } from "../strace/actor.js";

const investigations = openInvestigationsOf("/no/such/addon.node");
const script = 'open(my $f, "<", "/etc/hostname") or die';

function question(pid: number, kinds: readonly EventKind[] = [EventKind.FILE_OPEN]) {
  const filter = pid === 0 ? {} : { roots: [pid] };
  return create(TraceQuestionSchema, { question: { case: "events", value: { kinds: [...kinds] } }, filter });
}

test("a session falls back to strace, tells the same, and says so with its cost", async () => {
  const actor = await startActor(script);
  const investigation = await investigations.open(question(actor.pid));
  await actor.act();
  await actor.end();
  const { accounts, events } = await investigation.close();
  expect(investigation.backend).toBe("strace");
  expect(investigation.notes.join()).toContain(
    `traced with strace, which slows what it traces about ${straceSlowdown} times`,
  );
  expect(events?.map(({ line }) => line)).toEqual([expect.stringMatching(/^perl\[\d+\] open \/etc\/hostname = \d+$/)]);
  expect(accounts).toMatchObject([{ name: "fileOpen", attempted: 1n, delivered: 1n, undelivered: 0n }]);
});

test("a stream does, too, and ends when its client leaves", async () => {
  const sessions = createTraceSessions(investigations.open, testLog);
  const actor = await startActor(script);
  const leaving = new AbortController();
  const request = create(TraceEventsRequestSchema, {
    kinds: [EventKind.FILE_OPEN],
    filter: { roots: [actor.pid] },
    duration: durationFromMs(60_000),
    cpuBudget: 1,
  });
  const responses = createEventStreams(investigations.openStream, sessions, testLog)(request, leaving.signal);
  const told = [];
  for await (const response of responses) {
    told.push(response);
    if (told.length === 1) await actor.act();
    if (response.events?.length) leaving.abort();
  }
  expect(told[0]).toMatchObject({ backend: "strace" });
  expect(told.flatMap(({ events = [] }) => events)).toHaveLength(1);
  expect(told.at(-1)).toMatchObject({ state: TraceState.STOPPED, accounts: [{ delivered: 1n, undelivered: 0n }] });
  await actor.end();
});

test.each([
  ["without processes", question(0), "cannot trace a whole system", "pids, or roots"],
  [
    "for kinds that strace cannot tell",
    question(process.pid, [EventKind.OOM_KILL]),
    "strace cannot tell oomKill",
    "ask for exec",
  ],
])("a session %s says what the addon and what strace would need", async (_what, asked, what, remedy) => {
  const error = await investigations.open(asked).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(ErrorReason[errorDetailOf(error).reason]).toBe("UNSUPPORTED");
  const told = explainError(error);
  expect(told.what).toMatch(
    new RegExp(`the native addon cannot be loaded.*; and strace, which would do instead: .*${what}`, "s"),
  );
  expect(told.remedy).toMatch(new RegExp(`node .ci/setup.mjs; or .*${remedy}`));
});
