// The control plane's durable state: one lmdb environment with a table per kind of record. Writes are batched; a write's
// promise resolves when it is committed, flushed() when everything committed so far is on disk.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ABORT, type Database, open, type RootDatabase } from "lmdb";
import { ErrorReason, failure } from "../shared/errors.js";
import type { PlanRecord } from "./plan/plan-record.js";
import type { RolloutRecord } from "./rollout/rollout-record.js";
import type { AnswerRow } from "./run/answer-row.js";
import type { CommandRecord, RunRecord } from "./run/run-record.js";
import type { StoredSubject } from "./run/run-store.js";

/** Tables by name; keys are strings or arrays, which lmdb keeps in order. */
export interface StateDatabase {
  /** Encoded bus.v1.Presence by host id. */
  readonly hosts: Database<Buffer, string>;
  readonly runs: Database<RunRecord, string>;
  /** Run ids in order of time: [started at, run id]. */
  readonly runsByTime: Database<string, [number, string]>;
  readonly subjects: Database<StoredSubject, string>;
  /** What was sent: [run id, number of the command]. */
  readonly commands: Database<CommandRecord, [string, number]>;
  /** What hosts answered: [run id, number of the row]. A queued host stands in none. */
  readonly answers: Database<AnswerRow, [string, number]>;
  /** Response bodies by digest, each stored once. */
  readonly bodies: Database<Buffer, string>;
  /** Which runs need a body: [digest, run id]. */
  readonly bodyRuns: Database<true, [string, string]>;
  readonly plans: Database<PlanRecord, string>;
  /** By the id of the run that goes in waves. */
  readonly rollouts: Database<RolloutRecord, string>;
  /** Name of this instance: its group on the replies topic; new when the state was lost. */
  readonly instanceId: string;
  /** Key of result handles and page tokens. */
  readonly handleKey: Buffer;
  /** Runs synchronous reads and writes as one atomic step, after every write queued before. When it throws, nothing is written. */
  transaction<T>(action: () => T): Promise<T>;
  flushed(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the state in this directory, or makes it there, readable by the owner alone. Throws STORAGE_FAILED. */
export function openStateDatabase(stateDirectory: string): StateDatabase {
  const root = openRoot(join(stateDirectory, "fleet"));
  const meta = root.openDB<Buffer, string>({ name: "meta", encoding: "binary" });
  return {
    hosts: root.openDB({ name: "hosts", encoding: "binary" }),
    runs: root.openDB({ name: "runs" }),
    runsByTime: root.openDB({ name: "runs-by-time" }),
    subjects: root.openDB({ name: "subjects" }),
    commands: root.openDB({ name: "commands" }),
    answers: root.openDB({ name: "answers" }),
    bodies: root.openDB({ name: "bodies", encoding: "binary" }),
    bodyRuns: root.openDB({ name: "body-runs" }),
    plans: root.openDB({ name: "plans" }),
    rollouts: root.openDB({ name: "rollouts" }),
    instanceId: loadOrCreate(meta, "instance-id", () => Buffer.from(randomUUID())).toString(),
    handleKey: loadOrCreate(meta, "handle-key", () => randomBytes(32)),
    transaction: (action) => runAtomically(root, action),
    flushed: async () => {
      await root.flushed;
    },
    close: () => root.close(),
  };
}

function openRoot(path: string): RootDatabase {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return open({ path, maxDbs: 24 });
  } catch (cause) {
    throw failure(ErrorReason.STORAGE_FAILED, `the control plane's state cannot be opened: ${String(cause)}`, {
      metadata: { path },
      remedy: "make the directory writable for this user, or name another state directory",
      cause,
    });
  }
}

// A transaction of its own can be undone; lmdb commits what the callback of an ordinary one wrote before it threw.
async function runAtomically<T>(root: RootDatabase, action: () => T): Promise<T> {
  let failed: { readonly error: unknown } | undefined;
  const result = await root.childTransaction(() => {
    try {
      return action();
    } catch (error) {
      failed = { error };
      return ABORT;
    }
  });
  if (failed) throw failed.error;
  return result as T;
}

function loadOrCreate(meta: Database<Buffer, string>, key: string, make: () => Buffer): Buffer {
  return meta.transactionSync(() => {
    const stored = meta.get(key);
    if (stored) return Buffer.from(stored);
    const made = make();
    meta.putSync(key, made);
    return made;
  });
}
