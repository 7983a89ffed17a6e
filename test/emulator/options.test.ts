// What users write on the command line and on standard input of the emulator.
import { describe, expect, test } from "vitest";
import { noFaults, parseFaults } from "../../services/emulator/faults/fault-set.js";
import { parseOrder } from "../../services/emulator/read-orders.js";
import { defaultSourceAddresses, parseSourceAddresses, shareHosts } from "../../services/emulator/share-hosts.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";

function reasonOf(run: () => unknown): ErrorReason | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return errorDetailOf(error).reason;
  }
}

describe("faults", () => {
  test.each([
    ["", {}],
    ["drop=0.01", { drop: 0.01 }],
    ["delay=50ms..500ms, kill=0.001/s", { delay: { least: 50, most: 500 }, kill: 0.001 }],
    ["skew=-30s..30s", { skew: { least: -30_000, most: 30_000 } }],
    ["work=2s", { work: { least: 2_000, most: 2_000 } }],
    ["disk-full=1", { diskFull: 1 }],
  ])("%j is understood", (text, expected) => {
    expect(parseFaults(text)).toEqual({ ...noFaults, ...expected });
  });

  test.each(["drop", "drop=", "drop=2", "drop=x", "delay=5", "delay=9ms..2ms", "kill=1", "toString=1", "drop=0.1=2"])(
    "%j is INVALID_ARGUMENT",
    (text) => {
      expect(reasonOf(() => parseFaults(text))).toBe(ErrorReason.INVALID_ARGUMENT);
    },
  );
});

describe("orders", () => {
  test.each([
    ['{"faults":"drop=0.5"}', { type: "faults", faults: { ...noFaults, drop: 0.5 } }],
    ['{"faults":""}', { type: "faults", faults: noFaults }],
    ['{"kill":{}}', { type: "kill", order: {} }],
    [
      '{"kill":{"share":0.2,"down":"1s..3s"}}',
      { type: "kill", order: { share: 0.2, down: { least: 1_000, most: 3_000 } } },
    ],
    ['{"kill":{"names":["emulated-7"]}}', { type: "kill", order: { names: ["emulated-7"] } }],
  ])("%s is understood", (line, expected) => {
    expect(parseOrder(line)).toEqual(expected);
  });

  test.each([
    "no JSON",
    "7",
    "null",
    "{}",
    '{"faults":1}',
    '{"faults":"","kill":{}}',
    '{"kill":{"share":2}}',
    '{"kill":{"names":[1]}}',
    '{"kill":null}',
    '{"kill":{"down":"soon"}}',
    '{"stop":{}}',
  ])("%s is INVALID_ARGUMENT", (line) => {
    expect(reasonOf(() => parseOrder(line))).toBe(ErrorReason.INVALID_ARGUMENT);
  });
});

describe("hosts are shared", () => {
  test.each([
    [1, undefined, [1]],
    [4_000, undefined, [4_000]],
    [10_000, undefined, [3_333, 3_333, 3_334]],
    [10, 3, [3, 3, 4]],
    [2, 5, [1, 1]],
  ])("%i over %s processes", (hosts, processes, sizes) => {
    const ranges = shareHosts(hosts, processes);
    expect(ranges.map(({ first, last }) => last - first)).toEqual(sizes);
    expect(ranges.map(({ first }) => first).slice(1)).toEqual(ranges.map(({ last }) => last).slice(0, -1));
    expect([ranges[0]?.first, ranges.at(-1)?.last]).toEqual([0, hosts]);
  });

  test("not in one process when that has too few open files: the message says how many are needed", () => {
    const tooMany = 100_000_000;
    expect(() => shareHosts(tooMany, 1)).toThrow(
      /need 100000100 open files, and ulimit -n is \d+; give --processes \d+/,
    );
  });
});

describe("source addresses", () => {
  test.each([
    ["127.0.0.2-127.0.0.4", ["127.0.0.2", "127.0.0.3", "127.0.0.4"]],
    ["10.0.0.255-10.0.1.0", ["10.0.0.255", "10.0.1.0"]],
    ["127.0.0.9", ["127.0.0.9"]],
  ])("%s", (text, expected) => {
    expect(parseSourceAddresses(text)).toEqual(expected);
  });

  test.each(["", "127.0.0", "127.0.0.300", "127.0.0.9-127.0.0.2", "a-b", "127.0.0.1-127.0.0.2-127.0.0.3"])(
    "%j is INVALID_ARGUMENT",
    (text) => {
      expect(reasonOf(() => parseSourceAddresses(text))).toBe(ErrorReason.INVALID_ARGUMENT);
    },
  );

  test.each([
    ["https://127.0.0.1:1", 10_000, 0],
    ["https://127.0.0.1:1", 10_001, 2],
    ["https://127.0.0.1:1", 50_000, 5],
    ["https://relay.example:1", 50_000, 0],
  ])("for %s and %i hosts by default: %i", (url, hosts, addresses) => {
    expect(defaultSourceAddresses([url], hosts).length).toBe(addresses);
  });
});
