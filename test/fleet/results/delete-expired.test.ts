import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deleteExpired } from "../../../services/fleet/results/retention.js";
import type { RunRecord } from "../../../services/fleet/run/run-record.js";
import { createStoredRun, putBody } from "../../../services/fleet/run/run-store.js";
import { openStateDatabase, type StateDatabase } from "../../../services/fleet/state-database.js";

const hour = 3600_000;
let directory: string;
let database: StateDatabase;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "retention-"));
  database = openStateDatabase(directory);
});

afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

async function store(runId: string, ageHours: number, digests: readonly string[]): Promise<void> {
  const startedAtMs = Date.now() - ageHours * hour;
  const record = { runId, startedAtMs, principal: "local", finishedAtMs: startedAtMs } as unknown as RunRecord;
  const targets = digests.map((_, index) => ({ hostId: `${index}`.repeat(32), name: `host-${index}` }));
  await createStoredRun(database, { record, subject: { request: new Uint8Array(), targets } });
  const none = { hosts: new Uint8Array(), states: new Uint8Array(), details: new Uint8Array() };
  for (const [index, digest] of digests.entries()) {
    await putBody(database, runId, digest, Buffer.from(digest));
    await database.answers.put([runId, index], {
      ...none,
      durations: new Uint8Array(),
      digests: [digest],
      problems: [],
    });
  }
}

function left() {
  return {
    runs: [...database.runs.getKeys()],
    byTime: [...database.runsByTime.getKeys()].map(([, runId]) => runId),
    subjects: [...database.subjects.getKeys()],
    answers: [...database.answers.getKeys()].map(([runId]) => runId),
    bodies: [...database.bodies.getKeys()],
  };
}

test("a run goes with its answers; a body goes with the last run that has it", async () => {
  await store("old", 30, ["shared", "only-old", "shared"]);
  await store("new", 1, ["shared", "only-new"]);
  expect(await deleteExpired(database, { maxAgeMs: 24 * hour, maxRuns: 100 }, () => true)).toBe(1);
  expect(left()).toEqual({
    runs: ["new"],
    byTime: ["new"],
    subjects: ["new"],
    answers: ["new", "new"],
    bodies: ["only-new", "shared"],
  });
  expect(await deleteExpired(database, { maxAgeMs: 0, maxRuns: 100 }, () => true)).toBe(1);
  expect(left()).toEqual({ runs: [], byTime: [], subjects: [], answers: [], bodies: [] });
  expect([...database.bodyRuns.getKeys()]).toEqual([]);
});

test("a run that may not go stays, and the next oldest goes for the number's sake", async () => {
  await store("a", 3, ["x"]);
  await store("b", 2, ["y"]);
  await store("c", 1, ["z"]);
  expect(await deleteExpired(database, { maxAgeMs: 24 * hour, maxRuns: 2 }, (runId) => runId !== "a")).toBe(1);
  expect(left().runs).toEqual(["a", "c"]);
});
