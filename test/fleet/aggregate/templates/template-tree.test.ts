import { describe, expect, test } from "vitest";
import {
  addLines,
  emptyLineTable,
  exactShapes,
  type LineTable,
  mergeLines,
  shapesOf,
} from "../../../../services/fleet/aggregate/templates/line-table.js";
import { growTemplates, textOf } from "../../../../services/fleet/aggregate/templates/template-tree.js";

function templatesOf(lines: readonly string[]): Array<[string, number]> {
  const table = emptyLineTable();
  addLines(table, lines, 0, 1);
  return growTemplates(shapesOf(table).exact).map((group) => [textOf(group), group.shape.count]);
}

describe("growTemplates", () => {
  test("lines that differ only in variables are one template, counted", () => {
    const lines = ["port 22 closed by 10.0.0.1", "port 80 closed by 10.0.0.2", "port 443 closed by fe80::1"];
    expect(templatesOf(lines)).toEqual([["port <num> closed by <ip>", 3]]);
  });

  test("words that differ in otherwise equal lines become a wildcard", () => {
    const lines = ["session opened for user root by sshd", "session opened for user deploy by sshd"];
    expect(templatesOf(lines)).toEqual([["session opened for user <*> by sshd", 2]]);
  });

  test("lines that share too little stay apart", () => {
    expect(templatesOf(["disk is full", "disk was removed", "cpu is hot"])).toEqual([
      ["cpu is hot", 1],
      ["disk is full", 1],
      ["disk was removed", 1],
    ]);
  });

  test("lines of different length stay apart", () => {
    expect(templatesOf(["a b c d", "a b c d e"])).toHaveLength(2);
  });

  test("the template does not depend on the order of the lines", () => {
    const lines = ["job one took 5 s", "job two took 6 s", "job one took 7 s", "job six was lost", "job two was late"];
    expect(templatesOf([...lines].reverse())).toEqual(templatesOf(lines));
  });
});

describe("bounds", () => {
  // Words with letters alone, so that no two lines mask to the same.
  const noise = (index: number) =>
    `noise ${[...index.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join("")} end`;
  const count = exactShapes + 3_000;

  function fill(from: number, to: number, table = emptyLineTable()): LineTable {
    const lines = Array.from({ length: to - from }, (_, index) => noise(from + index));
    addLines(table, lines, 0, 1);
    return table;
  }

  function content(table: LineTable) {
    const sorted = (entries: Array<[string, { count: number }]>) =>
      entries.map(([masked, shape]) => `${masked} ${shape.count}`).sort();
    const { exact, coarse } = shapesOf(table);
    return { exact: sorted(exact), coarse: sorted(coarse), lost: table.lost.count };
  }

  test("no line is lost uncounted, and what is kept does not depend on the split", () => {
    const whole = fill(0, count);
    const left = fill(0, 9_000);
    const right = fill(9_000, count);
    mergeLines(right, left, 1);
    expect(content(right)).toEqual(content(whole));
    const { exact, coarse } = shapesOf(whole);
    expect(exact).toHaveLength(exactShapes);
    expect([...exact, ...coarse].reduce((sum, [, shape]) => sum + shape.count, whole.lost.count)).toBe(count);
  });

  test("what very many distinct lines crowd out is still counted by its first words", () => {
    const table = emptyLineTable();
    const lines = Array.from({ length: exactShapes * 2 }, (_, index) => noise(index));
    addLines(table, lines, 0, 1);
    for (let source = 1; source <= 100; source++) addLines(table, ["disk sda failing badly"], source, 1);
    const { exact, coarse } = shapesOf(table);
    const disk = [...exact, ...coarse].filter(([form]) => form.startsWith("disk"));
    expect(disk).toMatchObject([[expect.any(String), { count: 100, example: "disk sda failing badly" }]]);
  });

  test("a place with very many templates ends in one for all that fit none", () => {
    const found = templatesOf(
      Array.from({ length: 500 }, (_, index) => noise(index).replace(/(\w+) end/, "$1 $1 $1 end")),
    );
    expect(found).toHaveLength(101);
    expect(found[0]).toEqual(["noise <*> <*> <*> end", 400]);
  });
});
