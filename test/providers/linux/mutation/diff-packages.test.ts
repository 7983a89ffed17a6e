// What differs between two states of a package database.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChangeKind } from "../../../../services/gen/systemsmanager/mutation/v1/change_pb.js";
import { applyPlan, diffPackages } from "../../../../services/providers/linux/mutation/diff-packages.js";
import type { InstalledPackage } from "../../../../services/providers/linux/packages/package-manager.js";

const compare = async (first: string, second: string) => Number(first) - Number(second);

/** "name arch version", with a "c" at its end for configuration only. */
function packages(...texts: string[]): InstalledPackage[] {
  return texts.map((text) => {
    const [name = "", arch = "", version = "", state] = text.split(" ");
    return { name, arch, version, ...(state === "c" ? { configurationOnly: true } : {}) };
  });
}

async function diff(before: string[], after: string[]): Promise<string[]> {
  const changes = await diffPackages(packages(...before), packages(...after), compare);
  return changes.map(({ subject, kind = 0, from, to }) => `${ChangeKind[kind]} ${subject} ${from || "-"} ${to || "-"}`);
}

describe("diffPackages", () => {
  test.each([
    { what: "nothing", before: ["a all 1"], after: ["a all 1"], changes: [] },
    { what: "an installation", before: [], after: ["b all 1", "a all 1"], changes: ["INSTALL a - 1", "INSTALL b - 1"] },
    { what: "a removal", before: ["a all 1"], after: [], changes: ["REMOVE a 1 -"] },
    { what: "an upgrade", before: ["a all 1"], after: ["a all 2"], changes: ["UPGRADE a 1 2"] },
    { what: "a downgrade", before: ["a all 2"], after: ["a all 1"], changes: ["DOWNGRADE a 2 1"] },
    {
      what: "a second architecture",
      before: ["c amd64 1"],
      after: ["c amd64 1", "c i386 1"],
      changes: ["INSTALL c:i386 - 1"],
    },
    {
      what: "an upgrade of both architectures",
      before: ["c amd64 1", "c i386 1"],
      after: ["c amd64 2", "c i386 2"],
      changes: ["UPGRADE c:amd64 1 2", "UPGRADE c:i386 1 2"],
    },
    { what: "a new architecture", before: ["m noarch 1"], after: ["m x86_64 2"], changes: ["UPGRADE m:x86_64 1 2"] },
    { what: "a kernel beside the old one", before: ["k x 1"], after: ["k x 1", "k x 2"], changes: ["INSTALL k - 2"] },
    { what: "the oldest of three kernels", before: ["k x 1", "k x 2"], after: ["k x 2"], changes: ["REMOVE k 1 -"] },
    {
      what: "a removal that leaves configuration",
      before: ["a all 1"],
      after: ["a all 1 c"],
      changes: ["REMOVE a 1 -"],
    },
    {
      what: "an installation over configuration",
      before: ["a all 1 c"],
      after: ["a all 2"],
      changes: ["INSTALL a - 2"],
    },
    { what: "configuration that goes", before: ["a all 1 c"], after: [], changes: ["CLEAN a 1 -"] },
    { what: "a manager that tells no architecture", before: ["a any 1"], after: ["a - 2"], changes: ["UPGRADE a 1 2"] },
  ])("$what: $changes", async ({ before, after, changes }) => {
    expect(
      await diff(
        before,
        after.map((text) => text.replace(" - ", "  ")),
      ),
    ).toEqual(changes);
  });

  const state = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom("a", "b", "c"),
      arch: fc.constantFrom("x", "y"),
      version: fc.constantFrom("1", "2", "3"),
    }),
    { selector: ({ name, arch }) => `${name} ${arch}`, maxLength: 6 },
  );

  test("property: no difference from itself, and as many changes back as forth", async () => {
    await fc.assert(
      fc.asyncProperty(state, state, async (before, after) => {
        expect(await diffPackages(before, before, compare)).toEqual([]);
        const forth = await diffPackages(before, after, compare);
        expect(await diffPackages(after, before, compare)).toHaveLength(forth.length);
      }),
    );
  });

  test("property: a plan that says what happens gives the same changes as what happened", async () => {
    await fc.assert(
      fc.asyncProperty(state, state, async (before, after) => {
        const isIn = (list: InstalledPackage[]) => (one: InstalledPackage) =>
          list.some((other) => other.name === one.name && other.arch === one.arch && other.version === one.version);
        const removed = before.filter((one) => !isIn(after)(one)).map((one) => ({ ...one, arches: [one.arch] }));
        const added = after.filter((one) => !isIn(before)(one));
        const planned = applyPlan(before, { removed, added, output: { text: "", cutBytes: 0 } });
        expect(await diffPackages(before, planned, compare)).toEqual(await diffPackages(before, after, compare));
      }),
    );
  });
});
