// One suite for a journal in an environment of its own and for journals that share one: each host sees its own entries alone.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Journal, type JournalEntry, openJournal, openJournalStore } from "../../services/daemon/journal.js";

const day = 24 * 3_600_000;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "systems-manager-journal-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

function entry(commandId: string, change: Partial<JournalEntry> = {}): JournalEntry {
  const expiresAtMs = Date.now() + 60_000;
  return { commandId, runId: "run", replyPartition: 1, expiresAtMs, startedAtMs: 1, ...change };
}

// How the journals of two hosts are opened, and closed with all that belongs to them.
type Kind = (clock: () => number) => Promise<{ one: Journal; other: Journal; close(): Promise<void> }>;

const own: Kind = async (clock) => {
  const one = await openJournal(join(directory, "one"), clock);
  const other = await openJournal(join(directory, "other"), clock);
  return { one, other, close: async () => void (await Promise.all([one.close(), other.close()])) };
};

const shared: Kind = async (clock) => {
  const store = await openJournalStore(directory);
  const [one, other] = [await store.open("aaaa/", clock), await store.open("bbbb/", clock)];
  return { one, other, close: () => store.close() };
};

describe.each([
  ["of its own", own],
  ["shared by many hosts", shared],
])("a journal in an environment %s", (_, kind) => {
  test("finds what was written, also after it was opened again; the other host does not", async () => {
    const first = await kind(Date.now);
    await first.one.write(entry("c1"));
    await first.one.write(entry("c2", { reply: Uint8Array.of(1, 2) }));
    await first.close();
    const second = await kind(Date.now);
    expect(second.one.find("c1")).toMatchObject({ commandId: "c1", runId: "run" });
    expect(Buffer.from(second.one.find("c2")?.reply ?? [])).toEqual(Buffer.of(1, 2));
    expect(second.other.find("c1")).toBeUndefined();
    await second.close();
  });

  test("lists what the bus does not have, of its own host alone", async () => {
    const { one, other, close } = await kind(Date.now);
    await one.write(entry("c1"));
    await one.write(entry("c2", { reported: true }));
    await other.write(entry("c3"));
    expect(one.unreported().map(({ commandId }) => commandId)).toEqual(["c1"]);
    expect(other.unreported().map(({ commandId }) => commandId)).toEqual(["c3"]);
    await close();
  });

  test("knows since when it is there, by the clock of its host", async () => {
    const first = await kind(() => 5_000);
    expect([first.one.sinceMs, first.other.sinceMs]).toEqual([5_000, 5_000]);
    await first.close();
    const second = await kind(() => 9_000);
    expect(second.one.sinceMs).toBe(5_000);
    await second.close();
  });

  test("counts attachments upwards, though its clock goes back", async () => {
    let now = 1_000;
    const first = await kind(() => now);
    const numbers = [await first.one.nextAttachment(), await first.one.nextAttachment()];
    await first.close();
    now = 10;
    const second = await kind(() => now);
    numbers.push(await second.one.nextAttachment());
    expect(numbers).toEqual([1_000n, 1_001n, 1_002n]);
    expect(await second.other.nextAttachment()).toBe(10n);
    await second.close();
  });

  test("forgets what expired more than a week ago when it is opened", async () => {
    const first = await kind(Date.now);
    await first.one.write(entry("old", { expiresAtMs: Date.now() - 8 * day }));
    await first.one.write(entry("recent", { expiresAtMs: Date.now() - 6 * day }));
    await first.close();
    const second = await kind(Date.now);
    expect(second.one.find("old")).toBeUndefined();
    expect(second.one.find("recent")).toBeDefined();
    await second.close();
  });

  test("takes nothing after it was closed", async () => {
    const { one, close } = await kind(Date.now);
    await one.close();
    await expect(one.write(entry("c1"))).rejects.toThrow("the journal is closed");
    await close();
  });
});
