import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PlanRecord } from "../../../services/fleet/plan/plan-record.js";
import { checkUnused, consumePlan } from "../../../services/fleet/plan/plan-store.js";
import type { RunRecord } from "../../../services/fleet/run/run-record.js";
import { createStoredRun, loadStoredRun } from "../../../services/fleet/run/run-store.js";
import { openStateDatabase, type StateDatabase } from "../../../services/fleet/state-database.js";
import { ErrorReason } from "../../../services/shared/errors.js";
import { expectReason } from "../../contract/bus-messages.js";

let directory: string;
let database: StateDatabase;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "run-store-"));
  database = openStateDatabase(directory);
});

afterEach(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

const planHash = "f".repeat(64);
const targets = [{ hostId: "0".repeat(32), name: "host-0" }];

function commit(runId: string, alsoWrite: () => void = () => undefined): Promise<void> {
  const record = { runId, startedAtMs: Date.now(), principal: "local", planHash } as unknown as RunRecord;
  return createStoredRun(database, { record, subject: { request: new Uint8Array(), targets } }, () => {
    consumePlan(database, planHash, { runId, atMs: Date.now(), confirmationMethod: "", approvers: [] });
    alsoWrite();
  });
}

async function storeFreshPlan(): Promise<void> {
  await database.plans.put(planHash, { planHash, expiresAtMs: Date.now() + 60_000 } as unknown as PlanRecord);
}

function consumedBy(): string | undefined {
  return database.plans.get(planHash)?.consumed?.runId;
}

test("a plan and the run that carries it out are stored together", async () => {
  await storeFreshPlan();
  await commit("run-1");
  expect(loadStoredRun(database, "run-1")?.subject.targets).toEqual(targets);
  expect(consumedBy()).toBe("run-1");
});

test("when a part of it fails neither is stored", async () => {
  await storeFreshPlan();
  const failing = commit("run-1", () => {
    throw new Error("disk");
  });
  await expect(failing).rejects.toThrow("disk");
  expect(loadStoredRun(database, "run-1")).toBeUndefined();
  expect([...database.runsByTime.getKeys()]).toEqual([]);
  checkUnused(database.plans.get(planHash) as PlanRecord);
  await commit("run-2");
  expect(consumedBy()).toBe("run-2");
});

test("of two commits at the same time the second stores no run", async () => {
  await storeFreshPlan();
  const [first, second] = [commit("run-1"), commit("run-2")];
  await expectReason(second, ErrorReason.PLAN_CONSUMED);
  await first;
  expect([...database.runs.getKeys()]).toEqual(["run-1"]);
});
