// The reader that other tests trust refuses what a scraper would.
import { expect, test } from "vitest";
import { parseExposition } from "./parse-exposition.js";

const head = "# HELP a_total A.\n# TYPE a_total counter\n";

test("families, labels and special values are read", () => {
  const text = `${head}a_total{x="1",b="q\\"}, "} 2\na_total 1e3\n# HELP g G.\n# TYPE g gauge\ng +Inf\n`;
  const families = parseExposition(text);
  expect([...(families.get("a_total")?.samples ?? [])]).toEqual([
    ['a_total{b="q\\"}, ",x="1"}', 2],
    ["a_total{}", 1000],
  ]);
  expect(families.get("g")?.samples.get("g{}")).toBe(Number.POSITIVE_INFINITY);
});

test.each([
  ["no end of line", `${head}a_total 1`, "does not end"],
  ["a sample of nothing", "a_total 1\n", "stands below"],
  ["a sample of another family", `${head}b_total 1\n`, "stands below"],
  ["no help", "# TYPE a counter\na 1\n", "no HELP"],
  ["an empty help", "# HELP a \n# TYPE a counter\n", "no help text"],
  ["two types", `${head}# TYPE a_total counter\n`, "two TYPE"],
  ["an unknown type", "# HELP a A.\n# TYPE a thing\n", "of type thing"],
  ["a series twice", `${head}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`, "twice"],
  ["a label twice", `${head}a_total{x="1",x="2"} 1\n`, "twice"],
  ["no number", `${head}a_total one\n`, "no value"],
  ["a negative counter", `${head}a_total -1\n`, "negative"],
  ["an open label", `${head}a_total{x="1} 1\n`, "cannot be read"],
  ["a bad name", "# HELP a-b A.\n# TYPE a-b gauge\n", "no metric name"],
])("%s is refused", (_, text, words) => {
  expect(() => parseExposition(text)).toThrow(words);
});
