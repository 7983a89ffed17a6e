// Ascending indexes as spans: the first of each span and the one behind its last, in one flat list. All of 10,000 targets are
// two numbers.

/** The spans of ascending, distinct indexes. */
export function toSpans(indexes: readonly number[]): number[] {
  const spans: number[] = [];
  for (const index of indexes) {
    if (spans.at(-1) === index) spans[spans.length - 1] = index + 1;
    else spans.push(index, index + 1);
  }
  return spans;
}

/** The indexes of spans, ascending. */
export function indexesOf(spans: readonly number[]): number[] {
  const indexes: number[] = [];
  for (let at = 0; at < spans.length; at += 2) {
    for (let index = spans[at] as number; index < (spans[at + 1] as number); index++) indexes.push(index);
  }
  return indexes;
}
