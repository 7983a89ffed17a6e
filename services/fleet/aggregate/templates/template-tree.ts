// Similar masked lines merged into templates, in the way of Drain (He, Zhu, Zheng, Lyu 2017): a tree by number of words and first word leads to
// a few groups, the most similar of which takes the line in if enough of its words are equal. Its result depends on the order of the lines, so it
// is only ever grown from the whole multiset in one fixed order.
import { compareText } from "../hash.js";
import { type LineShape, mergeShapes } from "./line-table.js";

const similarEnough = 0.6;
// A leaf with more groups is noise: what fits none of its most frequent ones is one group more, which bounds work and text.
const groupsPerLeaf = 100;
const anything = "<*>";
const hasMask = /<[a-z*]/;

/** Lines of one template. */
export interface TemplateGroup {
  words: string[];
  shape: LineShape;
}

/** Grows the tree from masked lines; most frequent template first. */
export function growTemplates(shapes: ReadonlyArray<readonly [string, LineShape]>): TemplateGroup[] {
  const leaves = new Map<string, TemplateGroup[]>();
  const ordered = [...shapes].sort((a, b) => b[1].count - a[1].count || compareText(a[0], b[0]));
  for (const [masked, shape] of ordered) addToTree(leaves, masked.split(" "), shape);
  return [...leaves.values()].flat().sort((a, b) => b.shape.count - a.shape.count || compareText(textOf(a), textOf(b)));
}

/** The template as text. */
export function textOf(group: TemplateGroup): string {
  return group.words.join(" ");
}

function addToTree(leaves: Map<string, TemplateGroup[]>, words: string[], shape: LineShape): void {
  const leaf = leafOf(words);
  const groups = leaves.get(leaf) ?? [];
  leaves.set(leaf, groups);
  const nearest = nearestGroup(groups, words) ?? (groups.length > groupsPerLeaf ? groups[groupsPerLeaf] : undefined);
  if (nearest) {
    generalize(nearest.words, words);
    mergeShapes(nearest.shape, shape);
  } else {
    groups.push({ words, shape: { count: shape.count, example: shape.example, perSource: [...shape.perSource] } });
  }
}

function leafOf(words: readonly string[]): string {
  const first = words[0] ?? "";
  return `${words.length} ${hasMask.test(first) ? anything : first}`;
}

function nearestGroup(groups: readonly TemplateGroup[], words: readonly string[]): TemplateGroup | undefined {
  let best: TemplateGroup | undefined;
  let bestEqual = words.length * similarEnough - Number.EPSILON;
  for (const group of groups.slice(0, groupsPerLeaf)) {
    const equal = words.reduce((count, word, index) => (group.words[index] === word ? count + 1 : count), 0);
    if (equal > bestEqual) {
      best = group;
      bestEqual = equal;
    }
  }
  return best;
}

function generalize(template: string[], words: readonly string[]): void {
  for (const [index, word] of words.entries()) {
    if (template[index] !== word) template[index] = anything;
  }
}
