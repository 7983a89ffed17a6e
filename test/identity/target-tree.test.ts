// Inclusion proofs: every host of every tree is proven by its bucket, and nothing else is.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bucketSize,
  buildTargetTree,
  decodeHostIds,
  encodeHostIds,
  type TargetProof,
  verifyInclusion,
} from "../../services/identity/target-tree.js";

const most = 10 * bucketSize + 1;
const hosts = Array.from({ length: most + 1 }, (_, index) => createHash("md5").update(`host ${index}`).digest("hex"));
hosts.sort();
const stranger = hosts.pop() as string;
const treeOf = (size: number) => buildTargetTree(encodeHostIds(hosts.slice(0, size)));
const sizes = fc.integer({ min: 1, max: most });

test("every host of every tree of 1 to 321 hosts is proven; a stranger, and a host of another bucket, is not", () => {
  const wrong: string[] = [];
  for (let size = 1; size <= most; size++) {
    const { root, prove } = treeOf(size);
    for (let index = 0; index < size; index++) {
      const proof = prove(index);
      const other = (index + bucketSize) % size;
      const sameBucket = Math.floor(other / bucketSize) === proof.bucketIndex;
      const proven = verifyInclusion(hosts[index] as string, root, size, proof);
      const strange = verifyInclusion(stranger, root, size, proof);
      if (!proven || strange || verifyInclusion(hosts[other] as string, root, size, proof) !== sameBucket)
        wrong.push(`host ${index} of ${size}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("hosts of a bucket share one proof", () => {
  const { prove } = treeOf(70);
  expect(prove(32)).toBe(prove(63));
  expect(prove(31)).not.toBe(prove(32));
  expect(prove(69).bucket).toHaveLength(6 * 16);
});

test("property: a proof holds at its own place and in trees of its own shape alone", () => {
  const cases = sizes.chain((size) =>
    fc.record({
      size: fc.constant(size),
      index: fc.integer({ min: 0, max: size - 1 }),
      otherBucket: fc.integer({ min: 0, max: 12 }),
      otherSize: fc.integer({ min: 0, max: 400 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ size, index, otherBucket, otherSize }) => {
      const { root, prove } = treeOf(size);
      const proof = prove(index);
      const host = hosts[index] as string;
      const elsewhere = verifyInclusion(host, root, size, { ...proof, bucketIndex: otherBucket });
      expect(elsewhere).toBe(otherBucket === proof.bucketIndex);
      // A proof fixes the size only by the shape of its path and its bucket; the size itself is signed beside the root.
      const sameShape = shapeOf(proof.bucketIndex, otherSize) === shapeOf(proof.bucketIndex, size);
      expect(verifyInclusion(host, root, otherSize, proof)).toBe(sameShape);
    }),
    { numRuns: 500 },
  );
});

test("property: a proof with a changed, missing or additional part fails", () => {
  const cases = sizes.chain((size) =>
    fc.record({
      size: fc.constant(size),
      index: fc.integer({ min: 0, max: size - 1 }),
      position: fc.nat(),
      bit: fc.nat(255),
    }),
  );
  fc.assert(
    fc.property(cases, ({ size, index, position, bit }) => {
      const { root, prove } = treeOf(size);
      const proof = prove(index);
      const { bucket, path } = proof;
      const at = position % Math.max(1, path.length);
      const changed: TargetProof[] = [
        { ...proof, path: [...path.slice(0, at), Buffer.alloc(32), ...path.slice(at)] },
        { ...proof, bucket: flip(bucket, position % (bucket.length * 8)) },
        { ...proof, bucket: bucket.subarray(16) },
        { ...proof, bucket: bucket.subarray(1) },
        { ...proof, bucket: Buffer.concat([bucket, Buffer.from(stranger, "hex")]) },
      ];
      if (path.length > 0) {
        changed.push({ ...proof, path: path.map((hash, level) => (level === at ? flip(hash, bit) : hash)) });
        changed.push({ ...proof, path: path.filter((_, level) => level !== at) });
      }
      // A host of the bucket that was not touched, so that only the hashes can tell.
      const host = hosts[index] as string;
      for (const each of changed) expect(verifyInclusion(host, root, size, each)).toBe(false);
      expect(verifyInclusion(host, flip(root, bit), size, proof)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("an inner hash does not pass for a bucket", () => {
  const { root, prove } = treeOf(2 * bucketSize);
  const [right] = prove(0).path;
  const [left] = prove(bucketSize).path;
  const forged = Buffer.concat([left as Uint8Array, right as Uint8Array]);
  const host = forged.subarray(0, 16).toString("hex");
  expect(verifyInclusion(host, root, 4, { bucket: forged, bucketIndex: 0, path: [] })).toBe(false);
});

test.each([
  ["no hosts", new Uint8Array()],
  ["half a host id", new Uint8Array(8)],
])("a tree of %s cannot be built", (_, bytes) => {
  expect(() => buildTargetTree(bytes)).toThrow(RangeError);
});

test("host ids survive their encoding, in order, whatever buffer they lie in", () => {
  const encoded = encodeHostIds(hosts);
  expect(encoded).toHaveLength(hosts.length * 16);
  const shifted = Buffer.concat([Buffer.alloc(3), encoded]).subarray(3);
  expect(decodeHostIds(shifted)).toEqual(hosts);
});

// How wide the proof's bucket is in a tree of so many hosts, and where its siblings stand.
function shapeOf(bucketIndex: number, size: number): string {
  const buckets = Math.ceil(size / bucketSize);
  if (bucketIndex >= buckets) return "none";
  const steps: string[] = [];
  for (let width = buckets, at = bucketIndex; width > 1; width = (width + 1) >> 1, at >>= 1) {
    if (at % 2 === 1) steps.push("left");
    else if (at + 1 < width) steps.push("right");
  }
  return `${Math.min(bucketSize, size - bucketIndex * bucketSize)} ${steps.join()}`;
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}
