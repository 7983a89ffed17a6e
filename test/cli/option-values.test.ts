import { describe, expect, test } from "vitest";
import {
  collectLabel,
  parseCount,
  parseIndex,
  parseListenAddress,
  parseSeconds,
} from "../../services/cli/option-values.js";

describe("listen addresses", () => {
  test.each([
    ["127.0.0.1:7600", { host: "127.0.0.1", port: 7600 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["localhost:65535", { host: "localhost", port: 65535 }],
  ])("%s", (text, expected) => {
    expect(parseListenAddress(text)).toEqual(expected);
  });

  test.each(["7600", "127.0.0.1", "127.0.0.1:65536", "::1:80", ":80", ""])("%j is refused by name", (text) => {
    expect(() => parseListenAddress(text)).toThrow(`${text} is not HOST:PORT`);
  });
});

test.each(["0", "-1", "soon", "NaN"])("%s seconds are refused", (text) => {
  expect(() => parseSeconds(text)).toThrow(text);
});

test.each(["0", "-1", "1.5", "many", ""])("%j is no count", (text) => {
  expect(() => parseCount(text)).toThrow(`${text} is not a whole number above 0`);
});

test.each(["-1", "1.5", "first", ""])("%j is no index", (text) => {
  expect(() => parseIndex(text)).toThrow(`${text} is not a whole number from 0`);
});

test("labels keep everything after the first equals sign", () => {
  expect(collectLabel("note=a=b", { role: "web" })).toEqual({ role: "web", note: "a=b" });
});
