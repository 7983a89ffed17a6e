import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, expect, test } from "vitest";
import { maxMessageBytes } from "../../../services/bus/bus.js";
import { draftCommands } from "../../../services/fleet/run/draft-commands.js";
import { newRunId } from "../../../services/fleet/run/run-id.js";
import { newRecord, subjectOf } from "../../../services/fleet/run/run-order.js";
import { messagesFor } from "../../../services/fleet/run/send-again.js";
import { indexesOf, toSpans } from "../../../services/fleet/run/spans.js";
import { TrackedRun } from "../../../services/fleet/run/tracked-run.js";
import { openStateDatabase } from "../../../services/fleet/state-database.js";
import { CommandEnvelopeSchema, CommandSchema } from "../../../services/gen/systemsmanager/bus/v1/command_pb.js";
import { generateSigningKey } from "../../../services/identity/signing-key.js";
import { decodeHostIds, type TargetProof, verifyInclusion } from "../../../services/identity/target-tree.js";
import { findOperation } from "../../../services/shared/operations.js";
import { listServices } from "./fleet-under-test.js";

const directory = mkdtempSync(join(tmpdir(), "send-again-"));
const database = openStateDatabase(directory);
const issuer = { fleetId: "test", signingKey: generateSigningKey(), replyPartition: 0 };

afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

/** A run whose targets were sent two commands: every third one got the first, the others the second. */
function runOf(hostCount: number, requestBytes: number): TrackedRun {
  const targets = Array.from({ length: hostCount }, (_, index) => ({
    hostId: createHash("sha256").update(`${index}`).digest("hex").slice(0, 32),
    name: `host-${index}`,
  })).sort((a, b) => (a.hostId < b.hostId ? -1 : 1));
  const basics = { operation: findOperation(listServices), selector: "all", principal: "local", timeoutMs: 60_000 };
  const order = { ...basics, targets, request: new Uint8Array(requestBytes) };
  const record = newRecord(order, newRunId(0));
  const subject = subjectOf(order);
  const parts = [0, 1].map((part) => [...targets.keys()].filter((index) => (index % 3 === 0 ? 0 : 1) === part));
  const commands = parts.flatMap((indexes) => draftCommands(issuer, record, subject, { indexes, timeoutMs: 60_000 }));
  return new TrackedRun(database, { record, subject, commands });
}

test.each([
  [1, 0],
  [100, 0],
  [3_000, 0],
  [40_000, 0],
  [40_000, 524_288],
])(
  "%i hosts with a request of %i bytes: each is told once, with a proof that holds, in messages that fit",
  (hosts, bytes) => {
    const run = runOf(hosts, bytes);
    const wanted = [...run.targets.keys()].filter((index) => index % 7 !== 1);
    const told: string[] = [];
    for (const { value } of messagesFor(run, wanted)) {
      expect(value.length).toBeLessThanOrEqual(maxMessageBytes);
      const { signed, again } = fromBinary(CommandEnvelopeSchema, value);
      const command = fromBinary(CommandSchema, signed?.command ?? new Uint8Array());
      for (const { proof, targetIds } of again) {
        const ids = decodeHostIds(targetIds);
        expect(
          ids.every((id) => verifyInclusion(id, command.targetRoot, command.targetCount, proof as TargetProof)),
        ).toBe(true);
        told.push(...ids);
      }
    }
    expect(told.sort()).toEqual(wanted.map((index) => run.targets[index]?.hostId));
  },
);

test("a command that has expired is not sent again", () => {
  const run = runOf(3, 0);
  const expired = run.commands.all.map((command) => ({ ...command, expiresAtMs: Date.now() - 1 }));
  const late = new TrackedRun(database, { record: run.record, subject: run.subject, commands: expired });
  expect([...messagesFor(late, [0, 1, 2])]).toEqual([]);
});

test.each<[number[], number[]]>([
  [[], []],
  [[0], [0, 1]],
  [
    [0, 1, 2],
    [0, 3],
  ],
  [
    [1, 3, 4, 9],
    [1, 2, 3, 5, 9, 10],
  ],
])("the spans of %j are %j, and back", (indexes, spans) => {
  expect(toSpans(indexes)).toEqual(spans);
  expect(indexesOf(spans)).toEqual(indexes);
});
