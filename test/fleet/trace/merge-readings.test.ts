// The merge of many hosts' readings: exact, whatever is shown of it.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HostReading, mergeReadings } from "../../../services/fleet/trace/merge-readings.js";
import {
  TraceDetail,
  TraceReadingSchema,
  TraceState,
} from "../../../services/gen/systemsmanager/trace/v1/reading_pb.js";

function reading(host: string, found: MessageInitShape<typeof TraceReadingSchema>): HostReading {
  const common = {
    state: TraceState.RUNNING,
    detail: TraceDetail.FULL,
    backend: "bpf",
    startedAt: timestampFromMs(1_000),
  };
  return { host, reading: create(TraceReadingSchema, { ...common, elapsed: durationFromMs(500), ...found }) };
}

describe("the merge of readings", () => {
  test("adds up rows by key, and names who has most of each", () => {
    const { merged, rowHosts } = mergeReadings(
      [
        reading("a", {
          rows: [
            { key: "nginx", count: 5n, sum: 50n },
            { key: "sshd", count: 1n },
          ],
        }),
        reading("b", { rows: [{ key: "nginx", count: 7n, sum: 70n }] }),
      ],
      10,
    );
    expect(merged.rows).toMatchObject([
      { key: "nginx", count: 12n, sum: 120n },
      { key: "sshd", count: 1n },
    ]);
    expect(rowHosts).toEqual([
      { hosts: 2, greatestHost: "b", greatestCount: 7n },
      { hosts: 1, greatestHost: "a", greatestCount: 1n },
    ]);
  });

  test("keeps processes of different hosts apart, though their ids are the same", () => {
    const one = { key: "nginx[7]", pid: 7, count: 1n };
    const { merged } = mergeReadings([reading("a", { rows: [one] }), reading("b", { rows: [one] })], 10);
    expect(merged.rows.map(({ key }) => key)).toEqual(["nginx[7] on a", "nginx[7] on b"]);
  });

  test("adds up accounts, slots and stacks; counts who has a note; tells as little as the host that tells least", () => {
    const account = { name: "exec", attempted: 3n, filtered: 1n, delivered: 2n };
    const slots = [{ range: "1-2us", power: 10, count: 2n }];
    const stacks = [{ folded: "node;main", samples: 4n }];
    const functions = [{ function: "node main", selfSamples: 1n, totalSamples: 4n }];
    const found = { accounts: [account], slots, stacks, functions, notes: ["both"] };
    const { merged } = mergeReadings(
      [
        reading("a", { ...found, detail: TraceDetail.SAMPLED, startedAt: timestampFromMs(900) }),
        reading("b", { ...found, notes: ["both", "b alone"], state: TraceState.ENDED, elapsed: durationFromMs(700) }),
      ],
      10,
    );
    expect(merged.accounts).toMatchObject([{ name: "exec", attempted: 6n, filtered: 2n, delivered: 4n }]);
    expect(merged.slots).toMatchObject([{ power: 10, count: 4n }]);
    expect(merged.stacks).toMatchObject([{ folded: "node;main", samples: 8n }]);
    expect(merged.functions).toMatchObject([{ function: "node main", selfSamples: 2n, totalSamples: 8n }]);
    expect(merged.notes).toEqual(["both", "b alone (on 1 of 2 hosts)"]);
    expect(merged).toMatchObject({ state: TraceState.RUNNING, detail: TraceDetail.SAMPLED, backend: "bpf" });
    expect(merged.startedAt).toEqual(timestampFromMs(900));
    expect(merged.elapsed).toEqual(durationFromMs(700));
  });

  test("says how many hosts have more than they show, whose share of a row is unknown", () => {
    const full = reading("a", { rows: [{ key: "nginx", count: 5n }] });
    const cut = reading("b", { rows: [{ key: "sshd", count: 2n }], otherCount: 1n });
    expect(mergeReadings([full, full], 10).merged.notes).toEqual([]);
    expect(mergeReadings([full, cut], 10).merged.notes).toMatchObject([
      expect.stringMatching(/^1 of 2 hosts have more than they show/),
    ]);
  });

  test("property: rows that are shown and the other count are all there is, in descending order, for any limit", () => {
    const row = fc.record({
      key: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      count: fc.bigInt({ min: 0n, max: 1n << 60n }),
    });
    const hosts = fc.array(
      fc.record({
        rows: fc.uniqueArray(row, { selector: ({ key }) => key }),
        otherCount: fc.bigInt({ min: 0n, max: 1n << 60n }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(hosts, fc.integer({ min: 1, max: 7 }), (found, limit) => {
        const { merged, rowHosts } = mergeReadings(
          found.map((each, index) => reading(`h-${index}`, each)),
          limit,
        );
        const all = found.flatMap(({ rows, otherCount }) => [otherCount, ...rows.map(({ count }) => count)]);
        const shown = merged.rows.map(({ count }) => count);
        expect([...shown, merged.otherCount].reduce((sum, count) => sum + count, 0n)).toBe(
          all.reduce((sum, count) => sum + count, 0n),
        );
        expect(shown).toEqual([...shown].sort((one, other) => (one < other ? 1 : one > other ? -1 : 0)));
        expect(shown.length).toBeLessThanOrEqual(limit);
        expect(rowHosts).toHaveLength(shown.length);
      }),
    );
  });
});
