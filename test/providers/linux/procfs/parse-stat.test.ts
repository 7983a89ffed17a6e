import { describe, expect, it, test } from "vitest";
import { parseResidentPages, parseStat } from "../../../../services/providers/linux/procfs/parse-stat.js";

const tail = "20 0 1 0 164685 3133440 409 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0";

function stat(name: string | Buffer, head = "S 623 623 30745 0 -1 4194304 102 0 0 0 7 3 0 0"): Buffer {
  return Buffer.concat([Buffer.from("713 ("), Buffer.from(name), Buffer.from(`) ${head} ${tail}\n`)]);
}

describe("the name of /proc/PID/stat", () => {
  test.each([
    ["cat", "cat"],
    ["tmux: server", "tmux: server"],
    ["a) R 1 (b", "a) R 1 (b"],
    ["((sd-pam))", "((sd-pam))"],
    ["line\nfeed", "line\nfeed"],
    ["", ""],
    [Buffer.from([0x66, 0xff, 0xfe]), "f\ufffd\ufffd"],
  ])("%j is read as %j", (written, read) => {
    expect(parseStat(stat(written))).toMatchObject({ pid: 713, name: read, state: "S", parentPid: 623 });
  });
});

it("reads every field of a captured line", () => {
  const line =
    "1287 (node) R 1286 1280 1280 34816 1287 4194304 42412 1231 3 0 250 41 5 2 20 0 11 0 98765 1203847168 18432 " +
    "18446744073709551615 4194304 53374976 140722 0 0 0 0 16781312 134302 0 0 0 17 1 0 0 0 0 0 1 2 3 4 5 6 7 0\n";
  expect(parseStat(Buffer.from(line))).toEqual({
    pid: 1287,
    name: "node",
    state: "R",
    parentPid: 1286,
    isKernelThread: false,
    userTicks: 250,
    systemTicks: 41,
    threadCount: 11,
    startTicks: 98765,
  });
});

it("knows a kernel thread by its flag", () => {
  const line =
    "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 20 0 1 0 4 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0\n";
  expect(parseStat(Buffer.from(line))).toMatchObject({ isKernelThread: true, parentPid: 0 });
});

it("reads a zombie", () => {
  const line = "99 (defunct) Z 1 99 99 0 -1 4194308 0 0 0 0 1 2 0 0 20 0 1 0 555 0 0 18446744073709551615 0 0 0 0 0\n";
  expect(parseStat(Buffer.from(line))).toMatchObject({ state: "Z", startTicks: 555 });
});

test.each(["", "713", "713 (cat", "713 (cat) S 1 2"])("cut text %j is no process", (text) => {
  expect(parseStat(Buffer.from(text))).toBeUndefined();
});

test.each([
  ["1234 567 89 1 0 2 0\n", 567],
  ["0 0 0 0 0 0 0\n", 0],
  ["", 0],
])("/proc/PID/statm %j has %i resident pages", (text, pages) => {
  expect(parseResidentPages(text)).toBe(pages);
});
