// The Journal Export Format: any entries, cut into any pieces, come out as they went in.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { messageLimit, toLogEntry } from "../../../../services/providers/linux/logs/journal-entry.js";
import { JournalExportParser, type JournalFields } from "../../../../services/providers/linux/logs/journal-export.js";

const limit = 64;

function parse(chunks: readonly Buffer[], enough = Number.POSITIVE_INFINITY): JournalFields[] {
  const entries: JournalFields[] = [];
  const parser = new JournalExportParser(limit, (fields) => entries.push(fields) < enough);
  for (const chunk of chunks) if (!parser.push(chunk)) break;
  return entries;
}

// As journalctl writes it: plain when it is printable, else with its length.
function encodeField(name: string, value: Buffer, plain: boolean): Buffer {
  if (plain) return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from("\n")]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), size, value, Buffer.from("\n")]);
}

const plainValue = fc.string({ maxLength: 100 }).filter((text) => !text.includes("\n"));
const field = fc.oneof(
  fc.record({ value: plainValue.map((text) => Buffer.from(text)), plain: fc.constant(true) }),
  fc.record({ value: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)), plain: fc.constant(false) }),
);
const entry = fc.dictionary(fc.stringMatching(/^[A-Z_]{1,12}$/), field, {
  minKeys: 1,
  maxKeys: 5,
  noNullPrototype: true,
});

describe("JournalExportParser", () => {
  test("property: entries survive any cut into pieces; long values keep their beginning and their length", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), fc.array(fc.nat(400), { maxLength: 8 }), (entries, cuts) => {
        const encoded = entries.map((fields) =>
          Buffer.concat([
            ...Object.entries(fields).map(([name, { value, plain }]) => encodeField(name, value, plain)),
            Buffer.from("\n"),
          ]),
        );
        const bytes = Buffer.concat(encoded);
        const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const chunks = edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
        const expected = entries.map((fields) =>
          Object.entries(fields).map(([name, { value }]) => [
            name,
            value.subarray(0, limit).toString("hex"),
            value.length,
          ]),
        );
        const parsed = parse(chunks).map((fields) =>
          [...fields].map(([name, { bytes: kept, length }]) => [name, kept.toString("hex"), length]),
        );
        expect(parsed).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test("it stops when the consumer has enough", () => {
    expect(parse([Buffer.from("A=1\n\nA=2\n\nA=3\n\n")], 2)).toHaveLength(2);
  });

  test("a field that stands twice keeps its first value", () => {
    expect(
      parse([Buffer.from("A=1\nA=2\n\n")])[0]
        ?.get("A")
        ?.bytes.toString(),
    ).toBe("1");
  });

  test("200 MB in one message are dropped as they come", () => {
    const before = process.memoryUsage().rss;
    const parser = new JournalExportParser(limit, (fields) => {
      expect(fields.get("MESSAGE")?.length).toBe(200_000_000);
      return true;
    });
    parser.push(Buffer.from("MESSAGE="));
    const chunk = Buffer.alloc(1_000_000, "x");
    for (let pushed = 0; pushed < 200; pushed++) parser.push(chunk);
    parser.push(Buffer.from("\n\n"));
    expect.assertions(2);
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
  });
});

describe("toLogEntry", () => {
  const entryOf = (fields: Record<string, string | Buffer>) =>
    toLogEntry(
      new Map(
        Object.entries(fields).map(([name, value]) => [name, { bytes: Buffer.from(value), length: value.length }]),
      ),
    );

  test.each([
    [{ _SYSTEMD_UNIT: "nginx.service" }, "nginx.service"],
    [{ _PID: "1", UNIT: "nginx.service", _SYSTEMD_UNIT: "init.scope" }, "nginx.service"],
    [{ _PID: "99", UNIT: "sshd.service", _SYSTEMD_UNIT: "user@1000.service" }, "user@1000.service"],
    [{ _TRANSPORT: "kernel" }, ""],
  ])("unit of %j: %s", (fields, unit) => {
    expect(entryOf(fields).unit).toBe(unit);
  });

  test.each([
    ["0", 1],
    ["7", 8],
    ["8", 0],
    ["", 0],
    ["high", 0],
  ])("priority %j is %i", (text, priority) => {
    expect(entryOf({ PRIORITY: text }).priority).toBe(priority);
  });

  test.each([messageLimit - 1, messageLimit, messageLimit + 1, messageLimit + 2, messageLimit + 3])(
    "a message of %i bytes is cut between characters, and nothing is uncounted",
    (length) => {
      const bytes = Buffer.from("€".repeat(messageLimit)).subarray(0, length);
      const { message = "", cutBytes = 0 } = entryOf({ MESSAGE: bytes });
      if (length > messageLimit) expect(message).not.toContain("\ufffd");
      if (length > messageLimit) expect(Buffer.byteLength(message) + cutBytes).toBe(length);
      else expect(cutBytes).toBe(0);
    },
  );

  test("time with microseconds", () => {
    expect(entryOf({ __REALTIME_TIMESTAMP: "1795382221058406" }).time).toEqual({
      seconds: 1795382221n,
      nanos: 58_406_000,
    });
  });
});
