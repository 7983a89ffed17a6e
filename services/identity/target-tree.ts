// Merkle tree over a command's targets (RFC 6962): the fleet signs the root, a relay derives a host's proof from the
// target list, and the host checks it. A relay can so tell each host no more than the fleet meant it to.
import { createHash } from "node:crypto";

/** Proof that one leaf is in a tree of a given size. */
export interface InclusionProof {
  readonly index: number;
  readonly path: readonly Uint8Array[];
}

/** All levels of the tree, leaves first. */
export interface TargetTree {
  readonly root: Uint8Array;
  readonly size: number;
  /** Proof for the host at this index of the sorted targets. */
  prove(index: number): InclusionProof;
}

/** Builds the tree over sorted, distinct host ids. */
export function buildTargetTree(sortedHostIds: readonly string[]): TargetTree {
  if (sortedHostIds.length === 0) throw new RangeError("a target tree needs at least one host");
  const levels: Uint8Array[][] = [sortedHostIds.map(leafHash)];
  for (let level = levels[0] as Uint8Array[]; level.length > 1; ) {
    level = pairUp(level);
    levels.push(level);
  }
  const root = levels.at(-1)?.[0] as Uint8Array;
  return { root, size: sortedHostIds.length, prove: (index) => ({ index, path: siblings(levels, index) }) };
}

/** True when the host id is the leaf at proof.index of the tree with this root and size. */
export function verifyInclusion(hostId: string, root: Uint8Array, size: number, proof: InclusionProof): boolean {
  if (proof.index >= size) return false;
  let hash = leafHash(hostId);
  let index = proof.index;
  let width = size;
  const path = [...proof.path];
  while (width > 1) {
    const sibling = index % 2 === 1 || index + 1 < width ? path.shift() : undefined;
    if (index % 2 === 1 || index + 1 < width) {
      if (sibling?.length !== 32) return false;
      hash = index % 2 === 1 ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
    }
    index >>= 1;
    width = (width + 1) >> 1;
  }
  return path.length === 0 && Buffer.from(hash).equals(root);
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

function leafHash(hostId: string): Uint8Array {
  return createHash("sha256").update("\0").update(hostId).digest();
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash("sha256").update("\x01").update(left).update(right).digest();
}
