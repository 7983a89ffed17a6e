// Bytes that are names, and not always text.
import { expect, test } from "vitest";
import { textUntilZero } from "../../../../services/providers/linux/capture/kernel-text.js";

test.each([
  ["", ""],
  ["61006200", "a"],
  ["c3a4e282acf09f9880", "ä€😀"],
  ["ff", "\\xff"],
  ["61ff62", "a\\xffb"],
  ["c3", "\\xc3"],
  ["e282", "\\xe2\\x82"],
  ["c3a4fc00ff", "ä\\xfc"],
  ["eda080", "\\xed\\xa0\\x80"],
  ["5c786666", "\\xff"],
])("%s is %s", (bytes, text) => {
  expect(textUntilZero(Buffer.from(bytes, "hex"))).toBe(text);
});
