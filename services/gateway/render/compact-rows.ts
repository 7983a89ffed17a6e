// The rows of a summary's sections in as few tokens as say the same: what an agent's client forwards is often the
// structure alone.
import type { Structure } from "../../shared/structure.js";

const shownKeys = 20;
const shownPerPath = 5;

/** Rows as they are shown, and how many were left out. */
export interface CompactRows {
  readonly rows: Structure[];
  readonly left: number;
}

/** The rows of one section of a summary. */
export function compactRows(section: string, rows: readonly Structure[]): CompactRows {
  if (section === "majority" || section === "deviations") return { rows: joinKeys(rows.map(compactFinding)), left: 0 };
  if (section === "top") return greatestOfEachPath(rows);
  return { rows: [...rows], left: 0 };
}

/**
 * Rank and what follows from the rest are left out: of_hosts and hosts where all hosts say the same, the value of what
 * is absent.
 */
function compactFinding({ surprise: _rank, of_hosts: ofHosts, hosts, value, ...finding }: Structure): Structure {
  const unanimous = finding.host_count === ofHosts;
  return {
    ...finding,
    ...(finding.absent ? {} : { value }),
    ...(unanimous ? {} : { of_hosts: ofHosts, hosts }),
  };
}

/** Rows that differ in their key alone become one row with keys. */
function joinKeys(rows: readonly Structure[]): Structure[] {
  const groups = new Map<string, { facts: Structure; keys: unknown[] }>();
  for (const { key, ...facts } of rows) {
    const id = JSON.stringify([facts, key === undefined]);
    const group = groups.get(id) ?? { facts, keys: [] };
    if (key !== undefined) group.keys.push(key);
    groups.set(id, group);
  }
  return [...groups.values()].map(({ facts, keys }) => ({ ...facts, ...keysOf(keys) }));
}

function keysOf(keys: readonly unknown[]): Structure {
  if (keys.length <= 1) return keys.length === 1 ? { key: keys[0] } : {};
  const more = keys.length - shownKeys;
  return { keys: keys.slice(0, shownKeys), ...(more > 0 ? { more_keys: more } : {}) };
}

/** As many as the text shows; the rows come greatest first. */
function greatestOfEachPath(rows: readonly Structure[]): CompactRows {
  const seen = new Map<unknown, number>();
  const shown = rows.filter(({ path }) => {
    const rank = (seen.get(path) ?? 0) + 1;
    seen.set(path, rank);
    return rank <= shownPerPath;
  });
  return { rows: shown, left: rows.length - shown.length };
}
