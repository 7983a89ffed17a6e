// Sum and distribution of one number field, of one row or over all rows.
import { Reduction } from "../../gen/systemsmanager/options/v1/options_pb.js";
import { addDistribution, addNumber, emptyDistribution, type NumberDistribution } from "./distribution.js";
import { addSum, addValue, type ExactSum, emptySum } from "./exact-sum.js";
import { addHosts, emptyHostSet, type HostSet } from "./host-set.js";
import type { Leaf } from "./plan.js";

/** Numbers of one field. */
export interface NumberState {
  readonly sum: ExactSum;
  /** Hosts with at least one value. */
  readonly hosts: HostSet;
  /** Empty unless the field has QUANTILES. */
  readonly distribution: NumberDistribution;
}

/** No numbers. */
export function emptyNumbers(): NumberState {
  return { sum: emptySum(), hosts: emptyHostSet(), distribution: emptyDistribution() };
}

/** Adds the values that each of the hosts gave. */
export function addNumbers(
  state: NumberState,
  leaf: Leaf,
  values: ReadonlyArray<number | bigint>,
  hosts: HostSet,
): void {
  if (values.length === 0) return;
  addHosts(state.hosts, hosts);
  if (leaf.reductions.has(Reduction.SUM)) for (const value of values) addValue(state.sum, value, hosts.count);
  if (leaf.reductions.has(Reduction.QUANTILES)) {
    for (const value of values) addNumber(state.distribution, Number(value), hosts);
  }
}

/** Adds other numbers of the same field. */
export function mergeNumbers(state: NumberState, other: NumberState): void {
  addSum(state.sum, other.sum);
  addHosts(state.hosts, other.hosts);
  addDistribution(state.distribution, other.distribution);
}
