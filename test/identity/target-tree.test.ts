// Inclusion proofs: every host of every tree proves itself, and nothing else does.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildTargetTree, verifyInclusion } from "../../services/identity/target-tree.js";

const hosts = Array.from({ length: 301 }, (_, index) => createHash("md5").update(`host ${index}`).digest("hex")).sort();

test("every host of every tree of 1 to 300 hosts is proven; another host or index is not", () => {
  const wrong: string[] = [];
  for (let size = 1; size <= 300; size++) {
    const { root, prove } = buildTargetTree(hosts.slice(0, size));
    for (let index = 0; index < size; index++) {
      const proof = prove(index);
      const next = (index + 1) % size;
      const proven = verifyInclusion(hosts[index] as string, root, size, proof);
      const otherHost = verifyInclusion(hosts[300] as string, root, size, proof);
      const otherIndex = size > 1 && verifyInclusion(hosts[index] as string, root, size, { ...proof, index: next });
      if (!proven || otherHost || otherIndex) wrong.push(`host ${index} of ${size}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("property: a proof holds for its own host, index and size alone", () => {
  const cases = fc.integer({ min: 1, max: 300 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      index: fc.integer({ min: 0, max: size - 1 }),
      otherIndex: fc.integer({ min: 0, max: 400 }),
      otherSize: fc.integer({ min: 0, max: 400 }),
      otherHost: fc.integer({ min: 0, max: 300 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ size, index, otherIndex, otherSize, otherHost }) => {
      const { root, prove } = buildTargetTree(hosts.slice(0, size));
      const proof = prove(index);
      const host = hosts[index] as string;
      const holds = verifyInclusion(hosts[otherHost] as string, root, size, proof);
      expect(holds).toBe(otherHost === index);
      const holdsElsewhere = verifyInclusion(host, root, size, { ...proof, index: otherIndex });
      expect(holdsElsewhere).toBe(otherIndex === index);
      // A proof fixes the size only by the shape of its path; the size itself is signed beside the root.
      const samePath = pathShape(index, otherSize) === pathShape(index, size);
      expect(verifyInclusion(host, root, otherSize, proof)).toBe(samePath);
    }),
    { numRuns: 300 },
  );
});

test("property: a proof with a changed, missing or additional hash fails", () => {
  const cases = fc.integer({ min: 2, max: 300 }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      index: fc.integer({ min: 0, max: size - 1 }),
      position: fc.nat(),
      bit: fc.nat(255),
    }),
  );
  fc.assert(
    fc.property(cases, ({ size, index, position, bit }) => {
      const { root, prove } = buildTargetTree(hosts.slice(0, size));
      const { path } = prove(index);
      const host = hosts[index] as string;
      const at = position % Math.max(1, path.length);
      const flipped = path.map((hash, level) => (level === at ? flip(hash, bit) : hash));
      const missing = path.filter((_, level) => level !== at);
      const additional = [...path.slice(0, at), Buffer.alloc(32), ...path.slice(at)];
      for (const changed of [flipped, missing, additional]) {
        expect(verifyInclusion(host, root, size, { index, path: changed })).toBe(false);
      }
      expect(verifyInclusion(host, flip(root, bit), size, { index, path })).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test("a tree of no hosts cannot be built", () => {
  expect(() => buildTargetTree([])).toThrow(RangeError);
});

function pathShape(index: number, size: number): string {
  if (index >= size) return "none";
  const steps: string[] = [];
  for (let width = size, at = index; width > 1; width = (width + 1) >> 1, at >>= 1) {
    steps.push(at % 2 === 1 ? "left" : at + 1 < width ? "right" : "up");
  }
  return steps.filter((step) => step !== "up").join();
}

function flip(hash: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(hash);
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}
