import { describe, expect, test } from "vitest";
import { filterAnswer, shortenAnswer, sizeOf } from "../../../services/fleet/results/answer-json.js";

const has = (word: string) => (text: string) => text.includes(word);

describe("filtering keeps rows and fields whose text matches", () => {
  const json = {
    name: "alpha",
    rows: [
      { a: "beta", b: 1 },
      { a: "gamma", nested: { c: ["delta", "beta"] } },
    ],
    nested: { inner: [{ x: "gamma" }], other: "beta" },
    count: "42",
  };
  test.each([
    ["alpha", { name: "alpha" }, 3],
    ["beta", { rows: json.rows, nested: { other: "beta" } }, 1],
    ["gamma", { rows: [json.rows[1]], nested: { inner: [{ x: "gamma" }] } }, 1],
    ["42", { count: "42" }, 3],
    ["beta 1", { rows: [json.rows[0]] }, 2],
    ["nothing", {}, 3],
  ])("%j", (word, expected, removed) => {
    expect(filterAnswer(json, has(word))).toEqual({ json: expected, removed });
  });
});

describe("shortening takes rows off the longest list", () => {
  test("and leaves a small answer alone", () => {
    const json = { rows: [1, 2, 3] };
    expect(shortenAnswer(json, 100)).toEqual({ json, removed: 0 });
  });

  test.each([200, 1_000, 5_000])("down to %i bytes", (limit) => {
    const json = { small: ["x", "y"], big: Array.from({ length: 500 }, (_, index) => `row ${index}`), name: "n" };
    const { json: cut, removed } = shortenAnswer(json, limit);
    expect(sizeOf(cut)).toBeLessThanOrEqual(limit);
    expect(cut.small).toEqual(["x", "y"]);
    expect((cut.big as string[]).length + removed).toBe(500);
    expect((cut.big as string[]).slice(0, 2)).toEqual(["row 0", "row 1"]);
  });

  test("and gives up when there is no row left to take", () => {
    expect(shortenAnswer({ text: "x".repeat(100), rows: [1] }, 50)).toEqual({
      json: { text: "x".repeat(100), rows: [] },
      removed: 1,
    });
  });
});
