/** A note on processes of a filter's trees that the kernel's programs could not keep; none when there were none. */
export function describeUntagged(processes: number): string[] {
  if (processes === 0) return [];
  return [`${processes} processes of the filter's trees were more than there is room for: their events are missed`];
}
