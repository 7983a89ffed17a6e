// Stacks as a tree: each node is a function as its callers called it, as wide as its samples.
import type { Frame, ProfileStack } from "../symbolize.js";

export interface FlameNode {
  readonly name: string;
  readonly kind: Frame["kind"] | "process" | "all";
  readonly file: string;
  /** With those of its children. */
  samples: number;
  /** Widest first. */
  readonly children: readonly FlameNode[];
}

interface GrowingNode extends FlameNode {
  readonly byName: Map<string, GrowingNode>;
  readonly children: GrowingNode[];
}

/** Below its root are the processes, those of one name added up. */
export function buildFlameTree(stacks: readonly ProfileStack[]): FlameNode {
  const root = nodeOf({ name: "all", kind: "all", file: "" });
  for (const { process, frames, count } of stacks) {
    let node = root;
    node.samples += count;
    for (const frame of [{ name: process.comm, kind: "process", file: "" } as const, ...frames]) {
      node = childOf(node, frame);
      node.samples += count;
    }
  }
  sortChildren(root);
  return root;
}

type Naming = Pick<FlameNode, "name" | "kind" | "file">;

function nodeOf({ name, kind, file }: Naming): GrowingNode {
  return { name, kind, file, samples: 0, children: [], byName: new Map() };
}

function childOf(node: GrowingNode, naming: Naming): GrowingNode {
  const key = `${naming.file}\0${naming.name}`;
  const known = node.byName.get(key);
  if (known) return known;
  const child = nodeOf(naming);
  node.byName.set(key, child);
  node.children.push(child);
  return child;
}

function sortChildren(node: GrowingNode): void {
  node.children.sort((one, other) => other.samples - one.samples || (one.name < other.name ? -1 : 1));
  for (const child of node.children) sortChildren(child);
}
