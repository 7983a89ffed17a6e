// The structure of a summary: fewer tokens, the same facts.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compactRows } from "../../services/gateway/render/compact-rows.js";
import { structureSummary } from "../../services/gateway/render/render-run.js";
import { type FindingSchema, SummarySchema } from "../../services/gen/systemsmanager/fleet/v1/summary_pb.js";
import { ErrorReason } from "../../services/shared/errors.js";

type Finding = MessageInitShape<typeof FindingSchema>;

const active = (key: string): Finding => ({
  path: "services.active_state",
  key,
  value: "active",
  hostCount: 5,
  ofHosts: 5,
  hosts: ["a", "b"],
});

const findings: { named: string; majority: Finding[]; rows: object[] }[] = [
  {
    named: "what all hosts say names no hosts",
    majority: [active("nginx")],
    rows: [{ path: "services.active_state", key: "nginx", value: "active", host_count: 5 }],
  },
  {
    named: "rows that differ in their key alone become one",
    majority: [active("nginx"), active("sshd")],
    rows: [{ path: "services.active_state", keys: ["nginx", "sshd"], value: "active", host_count: 5 }],
  },
  {
    named: "rows that differ in their hosts stay apart",
    majority: [
      { ...active("nginx"), hostCount: 4 },
      { ...active("sshd"), hostCount: 4, hosts: ["c"] },
    ],
    rows: [
      { path: "services.active_state", key: "nginx", value: "active", host_count: 4, of_hosts: 5, hosts: ["a", "b"] },
      { path: "services.active_state", key: "sshd", value: "active", host_count: 4, of_hosts: 5, hosts: ["c"] },
    ],
  },
  {
    named: "an empty value is a value",
    majority: [{ path: "hardware.vendor", value: "", hostCount: 5, ofHosts: 5 }],
    rows: [{ path: "hardware.vendor", value: "", host_count: 5 }],
  },
  {
    named: "what is absent has none",
    majority: [{ path: "packages.version", key: "jq", absent: true, hostCount: 5, ofHosts: 5 }],
    rows: [{ path: "packages.version", key: "jq", absent: true, host_count: 5 }],
  },
];

test.each(findings)("$named", ({ majority, rows }) => {
  expect(structureSummary(create(SummarySchema, { majority })).majority).toEqual(rows);
});

test("whatever the rows, every key is named or counted", () => {
  const row = fc.record({
    path: fc.constantFrom("a", "b"),
    key: fc.string({ minLength: 1 }),
    value: fc.constantFrom("x", "y"),
    host_count: fc.constantFrom(1, 2),
    of_hosts: fc.constant(2),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 80 }), (rows) => {
      const compact = compactRows("majority", rows).rows as { key?: string; keys?: string[]; more_keys?: number }[];
      const named = compact.map(
        ({ key, keys, more_keys }) => (key === undefined ? 0 : 1) + (keys?.length ?? 0) + (more_keys ?? 0),
      );
      expect(named.reduce((sum, count) => sum + count, 0)).toBe(rows.length);
    }),
  );
});

describe("numbers", () => {
  test("a total of zero is told", () => {
    const summary = create(SummarySchema, { totals: [{ path: "failed_count", sum: 0, hostCount: 5 }] });
    expect(structureSummary(summary).totals).toEqual([{ path: "failed_count", sum: 0, host_count: 5 }]);
  });

  test("the five greatest of each path are shown and the others counted", () => {
    const top = ["cpu", "memory"].flatMap((path) =>
      Array.from({ length: 7 }, (_, rank) => ({ path, key: `p${rank}`, value: 7 - rank, hostCount: 1 })),
    );
    const structure = structureSummary(create(SummarySchema, { top }));
    const shown = structure.top as { path: string; value: number }[];
    expect(shown.map(({ path, value }) => `${path} ${value}`)).toEqual(
      ["cpu", "memory"].flatMap((path) => [7, 6, 5, 4, 3].map((value) => `${path} ${value}`)),
    );
    expect(structure.omitted).toEqual({ top: 4 });
  });
});

test("an error says its remedy once", () => {
  const error = {
    reason: ErrorReason.LOCKED,
    state: "failed",
    message: "dpkg is locked; wait for it",
    remedy: "wait for it",
    hostCount: 1,
  };
  expect(structureSummary(create(SummarySchema, { errors: [error] })).errors).toEqual([
    { reason: "LOCKED", state: "failed", message: "dpkg is locked", remedy: "wait for it", host_count: 1 },
  ]);
});
