import { describe, expect, test } from "vitest";
import { verbs } from "../../services/cli/verbs.js";

describe("verbs", () => {
  test.each(verbs)("$name loads the command of that name", async ({ name, load }) => {
    expect((await load()).name()).toBe(name);
  });

  test("no name is there twice", () => {
    expect(new Set(verbs.map(({ name }) => name)).size).toBe(verbs.length);
  });
});
