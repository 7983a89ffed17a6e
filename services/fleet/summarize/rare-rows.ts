// How surprising it is that a row is on few hosts. Where nearly every host has rows of its own (sockets with random names, transient units), one
// more of them is no news; where hardly any host has, it is.

import { looksVariable } from "../aggregate/bounded-table.js";
import { fingerprintOf } from "../aggregate/host-set.js";
import { rowId } from "../aggregate/read-answer.js";
import { getOrSet } from "../aggregate/row.js";
import { present, type Statement, surpriseBits } from "./statement.js";

/** Gives each statement of a rare row the bits of "a host has such a row": one of the same list, as rare, and as random or stable in name. */
export function weighRareRows(deviations: readonly Statement[], answered: number): Statement[] {
  const kinds = new Map<string, Map<string, number>>();
  for (const statement of deviations.filter(isRareRow)) {
    getOrSet(kinds, kindOf(statement), () => new Map()).set(fingerprintOf(statement.hosts), statement.hosts.count);
  }
  const reach = new Map([...kinds].map(([kind, sets]) => [kind, reachOf([...sets.values()])]));
  return deviations.map((statement) => {
    if (!isRareRow(statement)) return statement;
    const hosts = reach.get(kindOf(statement))?.get(statement.hosts.count) ?? statement.hosts.count;
    return { ...statement, bits: surpriseBits(Math.min(hosts, answered), answered) };
  });
}

/** True when the statement is that few hosts have a row. */
export function isRareRow(statement: Statement): boolean {
  return statement.elements === present;
}

function kindOf({ scope, row }: Statement): string {
  return `${scope.index} ${looksVariable(rowId(row.key))}`;
}

// For each number of hosts: how many hosts have a row that so many or fewer have, if no two sets of hosts overlap.
function reachOf(counts: readonly number[]): Map<number, number> {
  const reach = new Map<number, number>();
  let sum = 0;
  for (const count of [...counts].sort((a, b) => a - b)) {
    sum += count;
    reach.set(count, sum);
  }
  return reach;
}
