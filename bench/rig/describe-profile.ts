// Where the time of a CPU profile went, as text: functions by the time in themselves, and by the time in all that they call.

/** As the inspector writes it; times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

type Times = Map<string, number>;

const shownFunctions = 45;

/** Two tables, of the busy time alone. */
export function describeProfile(profile: CpuProfile): string {
  const ownOfNode = timesOfNodes(profile);
  const own: Times = new Map();
  const all: Times = new Map();
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  addTree(profile.nodes[0] as ProfileNode, new Set(), { byId, ownOfNode, own, all });
  const idle = own.get("(idle)") ?? 0;
  const busy = [...own.values()].reduce((sum, time) => sum + time, 0) - idle;
  for (const times of [own, all]) for (const name of ["(idle)", "(root)"]) times.delete(name);
  return [
    `busy ${Math.round(busy / 1000)} ms, idle ${Math.round(idle / 1000)} ms`,
    "in the function itself:",
    ...topOf(own, busy),
    "with all that it calls:",
    ...topOf(all, busy),
    "",
  ].join("\n");
}

function timesOfNodes({ samples, timeDeltas }: CpuProfile): Map<number, number> {
  const times = new Map<number, number>();
  for (const [index, id] of samples.entries()) times.set(id, (times.get(id) ?? 0) + (timeDeltas[index] as number));
  return times;
}

interface Sums {
  readonly byId: ReadonlyMap<number, ProfileNode>;
  readonly ownOfNode: ReadonlyMap<number, number>;
  readonly own: Times;
  readonly all: Times;
}

// Returns the time in the tree. A function that calls itself counts once, from its outermost call.
function addTree(node: ProfileNode, callers: ReadonlySet<string>, sums: Sums): number {
  const name = nameOf(node.callFrame);
  const own = sums.ownOfNode.get(node.id) ?? 0;
  const inner = callers.has(name) ? callers : new Set([...callers, name]);
  const children = (node.children ?? []).map((id) => addTree(sums.byId.get(id) as ProfileNode, inner, sums));
  const all = children.reduce((sum, time) => sum + time, own);
  sums.own.set(name, (sums.own.get(name) ?? 0) + own);
  if (!callers.has(name)) sums.all.set(name, (sums.all.get(name) ?? 0) + all);
  return all;
}

function topOf(times: Times, busy: number): string[] {
  const rows = [...times].sort(([, a], [, b]) => b - a).slice(0, shownFunctions);
  return rows.map(([name, time]) => `${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`);
}

function nameOf({ functionName, url, lineNumber }: ProfileNode["callFrame"]): string {
  const place =
    url === ""
      ? ""
      : ` ${url.replace(/^.*\/(?=(dist|node_modules)\/)/, "").replace(/^node_modules\//, "")}:${lineNumber + 1}`;
  return `${functionName || "(anonymous)"}${place}`;
}
