// Merkle tree over a command's targets: the fleet signs the root, a relay derives proofs from the target list, and the host
// checks its own. A relay can so tell each host no more than the fleet meant it to.
//
// The tree is that of RFC 6962; its leaves are buckets of sorted host ids rather than single ones. A fleet of 10,000 costs 625
// hashes instead of 20,000, and all hosts of a bucket share one proof.
import { sha256, sha256Text } from "../shared/sha256.js";

/** Bytes of a host id, whose text has two hexadecimal digits for each. */
export const hostIdBytes = 16;
/** Hosts in every bucket but the last. */
export const bucketSize = 32;

const bucketBytes = bucketSize * hostIdBytes;
const digestBytes = 32;
// What a bucket and what two digests are hashed in: every host hashes its way up a tree for every command.
const leaf = Buffer.alloc(1 + bucketBytes, 0);
const node = Buffer.alloc(1 + 2 * digestBytes, 1);

/** Proof that the hosts of a bucket are in a tree of a given size. */
export interface TargetProof {
  /** Their ids, ascending. */
  readonly bucket: Uint8Array;
  readonly bucketIndex: number;
  readonly path: readonly Uint8Array[];
}

/** All levels of the tree, leaves first. */
export interface TargetTree {
  readonly root: Uint8Array;
  /** Hosts. */
  readonly size: number;
  /** Proof for the bucket of the host at this index of the sorted targets. The same object for all hosts of a bucket. */
  prove(index: number): TargetProof;
}

/** Sorted host ids as bytes. */
export function encodeHostIds(sortedHostIds: readonly string[]): Uint8Array {
  return Buffer.from(sortedHostIds.join(""), "hex");
}

/** Host ids as text, in their order. */
export function decodeHostIds(bytes: Uint8Array): string[] {
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
  return Array.from({ length: bytes.length / hostIdBytes }, (_, index) =>
    digits.slice(2 * hostIdBytes * index, 2 * hostIdBytes * (index + 1)),
  );
}

/** Builds the tree over sorted, distinct host ids as encodeHostIds gives them. */
export function buildTargetTree(targetIds: Uint8Array): TargetTree {
  const size = targetIds.length / hostIdBytes;
  if (size < 1 || !Number.isInteger(size)) throw new RangeError("a target tree needs whole host ids, at least one");
  const buckets = splitIntoBuckets(targetIds);
  const levels: Uint8Array[][] = [buckets.map(leafHash)];
  for (let level = levels[0] as Uint8Array[]; level.length > 1; ) {
    level = pairUp(level);
    levels.push(level);
  }
  const root = levels.at(-1)?.[0] as Uint8Array;
  const proofs = new Map<number, TargetProof>();
  const prove = (index: number) => {
    const bucketIndex = Math.floor(index / bucketSize);
    const known = proofs.get(bucketIndex);
    if (known) return known;
    const proof = { bucket: buckets[bucketIndex] as Uint8Array, bucketIndex, path: siblings(levels, bucketIndex) };
    proofs.set(bucketIndex, proof);
    return proof;
  };
  return { root, size, prove };
}

/** True when the host is in the proof's bucket, and that in the tree with this root and number of hosts. */
export function verifyInclusion(hostId: string, root: Uint8Array, size: number, proof: TargetProof): boolean {
  const { bucket, bucketIndex } = proof;
  const expectedBytes = Math.min(bucketBytes, size * hostIdBytes - bucketIndex * bucketBytes);
  return bucket.length === expectedBytes && holdsHost(bucket, hostId) && holdsBucket(root, size, proof);
}

function holdsHost(bucket: Uint8Array, hostId: string): boolean {
  const id = Buffer.from(hostId, "hex");
  const ids = Buffer.from(bucket.buffer, bucket.byteOffset, bucket.length);
  for (let start = 0; start < ids.length; start += hostIdBytes) {
    if (id.compare(ids, start, start + hostIdBytes) === 0) return true;
  }
  return false;
}

function holdsBucket(root: Uint8Array, size: number, proof: TargetProof): boolean {
  // As text of one character a byte, which costs a fraction of a buffer.
  let computed = sha256Text(leafOf(proof.bucket));
  let index = proof.bucketIndex;
  let step = 0;
  for (let width = Math.ceil(size / bucketSize); width > 1; width = (width + 1) >> 1) {
    if (index % 2 === 1 || index + 1 < width) {
      const sibling = proof.path[step++];
      if (sibling?.length !== digestBytes) return false;
      const [before, after] = index % 2 === 1 ? [1 + digestBytes, 1] : [1, 1 + digestBytes];
      node.write(computed, before, "latin1");
      node.set(sibling, after);
      computed = sha256Text(node);
    }
    index >>= 1;
  }
  return step === proof.path.length && Buffer.from(computed, "latin1").equals(root);
}

function splitIntoBuckets(targetIds: Uint8Array): Uint8Array[] {
  const buckets: Uint8Array[] = [];
  for (let start = 0; start < targetIds.length; start += bucketBytes) {
    buckets.push(targetIds.subarray(start, start + bucketBytes));
  }
  return buckets;
}

function pairUp(level: Uint8Array[]): Uint8Array[] {
  const next: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const left = level[i] as Uint8Array;
    const right = level[i + 1];
    next.push(right ? nodeHash(left, right) : left);
  }
  return next;
}

function siblings(levels: readonly Uint8Array[][], index: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  for (const level of levels.slice(0, -1)) {
    const sibling = level[index ^ 1];
    if (sibling) path.push(sibling);
    index >>= 1;
  }
  return path;
}

function leafHash(bucket: Uint8Array): Uint8Array {
  return sha256(leafOf(bucket));
}

// Valid until the next.
function leafOf(bucket: Uint8Array): Uint8Array {
  leaf.set(bucket, 1);
  return bucket.length === bucketBytes ? leaf : leaf.subarray(0, 1 + bucket.length);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  node.set(left, 1);
  node.set(right, 1 + digestBytes);
  return sha256(node);
}
