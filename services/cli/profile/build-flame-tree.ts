// Stacks as a tree: each node is a function as its callers called it, as wide as its samples.
import type { FleetProfile, StackFrame } from "./fleet-profile.js";

export interface FlameNode {
  readonly name: string;
  readonly kind: StackFrame["kind"] | "all";
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
export function buildFlameTree({ stacks }: FleetProfile): FlameNode {
  const root = nodeOf("all", "all");
  for (const { frames, samples } of stacks) {
    let node = root;
    node.samples += samples;
    for (const frame of frames) {
      node = childOf(node, frame);
      node.samples += samples;
    }
  }
  sortChildren(root);
  return root;
}

function nodeOf(name: string, kind: FlameNode["kind"]): GrowingNode {
  return { name, kind, samples: 0, children: [], byName: new Map() };
}

function childOf(node: GrowingNode, { name, kind }: StackFrame): GrowingNode {
  const key = `${kind} ${name}`;
  const known = node.byName.get(key);
  if (known) return known;
  const child = nodeOf(name, kind);
  node.byName.set(key, child);
  node.children.push(child);
  return child;
}

function sortChildren(node: GrowingNode): void {
  node.children.sort((one, other) => other.samples - one.samples || (one.name < other.name ? -1 : 1));
  for (const child of node.children) sortChildren(child);
}
