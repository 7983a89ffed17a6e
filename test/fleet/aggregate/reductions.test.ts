import { create, type Message } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Aggregate } from "../../../services/fleet/aggregate/aggregate.js";
import { planOf } from "../../../services/fleet/aggregate/plan.js";
import type { Summary } from "../../../services/gen/systemsmanager/fleet/v1/summary_pb.js";
import { Reduction as R, Unit } from "../../../services/gen/systemsmanager/options/v1/options_pb.js";
import { summaryOf } from "./describe-aggregate.js";
import { compileMessages, type TestField, Type } from "./schema.js";

type Init = Record<string, unknown>;

/** The summary of answers whose message has these fields; host a gives the first, b the second, and so on. */
function summarize(fields: Record<string, TestField>, answers: Init[], rows: Record<string, TestField> = {}): Summary {
  const messageOf = compileMessages({ Answer: fields, ...(Object.keys(rows).length > 0 ? { Row: rows } : {}) });
  const schema = messageOf("Answer");
  const aggregate = new Aggregate(planOf(schema));
  for (const [index, init] of answers.entries()) {
    aggregate.add(create(schema, init) as Message, [String.fromCharCode(97 + index)]);
  }
  return summaryOf(aggregate);
}

const rowsOf = (more: Partial<TestField> = {}): TestField => ({
  type: Type.MESSAGE,
  typeName: "Row",
  repeated: true,
  ...more,
});
const key: TestField = { type: Type.STRING, reduce: [R.KEY] };

describe("GROUP", () => {
  const text: TestField = { type: Type.STRING, reduce: [R.GROUP] };
  const table: Array<[string, TestField, Init[], string[]]> = [
    [
      "the majority and who deviates",
      text,
      [{ f: "x" }, { f: "x" }, { f: "y" }],
      ["2 of 3 hosts: f x", "c: f y (others x)"],
    ],
    ["an empty value is a value", text, [{ f: "x" }, { f: "x" }, {}], ["2 of 3 hosts: f x", "c: f empty (others x)"]],
    [
      "an absent optional field is not its zero",
      { ...text, optional: true },
      [{ f: "" }, { f: "" }, {}],
      ["c: f none (others empty)"],
    ],
    [
      "numbers with their unit",
      { type: Type.UINT64, unit: Unit.BYTES, reduce: [R.GROUP] },
      [{ f: 2048n }],
      ["a: f 2 KiB"],
    ],
    ["flags", { type: Type.BOOL, reduce: [R.GROUP] }, [{ f: true }], ["a: f true"]],
    ["bytes", { type: Type.BYTES, reduce: [R.GROUP] }, [{ f: Uint8Array.of(1, 255) }], ["a: f 01ff"]],
    [
      "timestamps",
      { type: Type.MESSAGE, typeName: ".google.protobuf.Timestamp", reduce: [R.GROUP] },
      [{ f: { seconds: 1_700_000_000n, nanos: 0 } }],
      ["a: f 2023-11-14T22:13:20.000Z"],
    ],
    [
      "durations",
      { type: Type.MESSAGE, typeName: ".google.protobuf.Duration", reduce: [R.GROUP] },
      [{ f: { seconds: 1n, nanos: 500_000_000 } }],
      ["a: f 1.5"],
    ],
    [
      "a list is the set of its values, in any order",
      { ...text, repeated: true },
      [{ f: ["x", "y"] }, { f: ["y", "x", "x"] }, { f: ["x"] }],
      ["2 of 3 hosts: f x + y", "c: f x (others x + y)"],
    ],
    [
      "an empty list is told where others have values",
      { ...text, repeated: true },
      [{ f: ["x"] }, { f: ["x"] }, {}],
      ["c: f none (others x)"],
    ],
    ["untrusted text is quoted", { ...text, untrusted: true }, [{ f: "word" }], ['a: f "word"']],
    [
      "a map's values are rows by key",
      { ...text, map: true },
      [{ f: { k: "x" } }, { f: { k: "x" } }, { f: { k: "y" } }],
      ['f "k" on c: f y (others x)'],
    ],
  ];
  test.each(table)("%s", (_name, field, answers, lines) => {
    const summary = summarize({ f: field }, answers);
    for (const line of lines) expect(summary.text.split("\n")).toContain(line);
  });
});

describe("rows", () => {
  test("a key of several parts, empty ones left out; rows with one key on a host are one row", () => {
    const summary = summarize(
      { rows: rowsOf() },
      [
        {
          rows: [
            { kind: "tcp", port: 53, address: "::" },
            { kind: "tcp", port: 53, address: "0.0.0.0" },
          ],
        },
        { rows: [{ kind: "unix", address: "" }] },
      ],
      { kind: key, port: { type: Type.UINT32, reduce: [R.KEY] }, address: { type: Type.STRING, reduce: [R.GROUP] } },
    );
    expect(summary.text).toContain('rows only on a: tcp 53: address 0.0.0.0 + "::"');
    expect(summary.text).toContain("rows only on b: unix");
    expect(summary.majority.find(({ key }) => key === "tcp 53")?.value).toBe('"0.0.0.0", "::"');
  });

  test("a missing row is told, except where the list varies", () => {
    const answers = [{ rows: [{ k: "x" }] }, { rows: [{ k: "x" }] }, {}];
    expect(summarize({ rows: rowsOf() }, answers, { k: key }).text).toContain("rows missing on c: x");
    expect(summarize({ rows: rowsOf({ varies: true }) }, answers, { k: key }).text).not.toContain("missing");
  });
});

describe("COUNT", () => {
  test("occurrences over all rows, and hosts", () => {
    const state: TestField = { type: Type.STRING, reduce: [R.COUNT] };
    const answers = [
      {
        rows: [
          { k: "1", s: "up" },
          { k: "2", s: "up" },
        ],
      },
      { rows: [{ k: "1", s: "down" }] },
    ];
    const summary = summarize({ rows: rowsOf() }, answers, { k: key, s: state });
    expect(summary.counts).toMatchObject([
      { path: "rows.s", value: "up", count: 2n, hostCount: 1, hosts: ["a"] },
      { path: "rows.s", value: "down", count: 1n, hostCount: 1, hosts: ["b"] },
    ]);
    expect(summary.text).toContain("count of rows.s: up 2 (a), down 1 (b)");
  });
});

describe("SUM", () => {
  test("of whole numbers is exact, over all rows and for each row", () => {
    const size: TestField = { type: Type.UINT64, unit: Unit.BYTES, reduce: [R.SUM] };
    const answers = [
      {
        rows: [
          { k: "x", n: 2n ** 53n },
          { k: "y", n: 1n },
        ],
      },
      { rows: [{ k: "x", n: 3n }] },
    ];
    const summary = summarize({ rows: rowsOf({ varies: true }) }, answers, { k: key, n: size });
    expect(summary.totals).toMatchObject([
      { path: "rows.n", key: "", sum: 2 ** 53 + 4, hostCount: 2 },
      { path: "rows.n", key: "x", sum: Number(2n ** 53n + 3n), hostCount: 2 },
      { path: "rows.n", key: "y", sum: 1, hostCount: 1 },
    ]);
    expect(summary.text).toContain("totals: rows.n 8 PiB, of it x 8 PiB on 2 hosts, y 1 B on 1 host");
  });

  test("of an absent field is not told as zero", () => {
    const summary = summarize({ n: { type: Type.UINT32, optional: true, reduce: [R.SUM] } }, [{}, {}]);
    expect(summary.totals).toEqual([]);
  });

  test("leaves out what is no finite number, and says so", () => {
    const summary = summarize({ n: { type: Type.DOUBLE, reduce: [R.SUM] } }, [{ n: Number.NaN }, { n: 1.5 }]);
    expect(summary.totals).toMatchObject([{ sum: 1.5, hostCount: 1 }]);
    expect(summary.text).toContain("Left out: 1 values that are no finite numbers");
  });
});

describe("QUANTILES", () => {
  test("with the hosts of the extremes", () => {
    const answers = Array.from({ length: 20 }, (_, index) => ({ n: index / 100 }));
    const summary = summarize({ n: { type: Type.DOUBLE, unit: Unit.RATIO, reduce: [R.QUANTILES] } }, answers);
    expect(summary.distributions).toMatchObject([
      { path: "n", count: 20n, min: 0, max: 0.19, minHost: "a", maxHost: "t" },
    ]);
    expect(summary.text).toMatch(/^n: min 0 % \(a\), median \S+ %, p90 \S+ %, p99 \S+ %, max 19 % \(t\)$/m);
  });

  test("of times are times", () => {
    const field: TestField = { type: Type.MESSAGE, typeName: ".google.protobuf.Timestamp", reduce: [R.QUANTILES] };
    const summary = summarize({ t: field }, [{ t: { seconds: 0n } }, { t: { seconds: 86_400n } }]);
    expect(summary.text).toContain("t: min 1970-01-01T00:00:00.000Z (a), max 1970-01-02T00:00:00.000Z (b)");
  });

  test("of rows without a key", () => {
    const load: TestField = { type: Type.DOUBLE, reduce: [R.QUANTILES] };
    const summary = summarize({ rows: rowsOf() }, [{ rows: [{ n: 1 }, { n: 3 }] }], { n: load });
    expect(summary.text).toContain("rows.n: min 1 (a), max 3 (a)");
  });
});

describe("TOP", () => {
  test("the greatest values with rows and hosts; one row and value of several hosts is one entry; zeros are left out", () => {
    const used: TestField = { type: Type.DOUBLE, unit: Unit.RATIO, reduce: [R.TOP] };
    const answers = [
      { rows: [{ k: "/", n: 0.9 }] },
      {
        rows: [
          { k: "/", n: 0.9 },
          { k: "/d", n: 0.95 },
        ],
      },
      { rows: [{ k: "/", n: 0 }] },
    ];
    const summary = summarize({ rows: rowsOf() }, answers, { k: { ...key, untrusted: true }, n: used });
    expect(summary.top).toMatchObject([
      { key: "/d", value: 0.95, hosts: ["b"] },
      { key: "/", value: 0.9, hostCount: 2, hosts: ["a", "b"] },
    ]);
    expect(summary.text).toContain('greatest rows.n: "/d" 95 % on b, "/" 90 % on a, b');
  });
});

describe("SAMPLE and OMIT", () => {
  test("a list is one sample, quoted; an omitted field is nowhere", () => {
    const fields: Record<string, TestField> = {
      argv: { type: Type.STRING, repeated: true, untrusted: true, reduce: [R.SAMPLE] },
      hidden: { type: Type.STRING, reduce: [R.GROUP, R.OMIT] },
      unmarked: { type: Type.STRING },
    };
    const summary = summarize(fields, [
      { argv: ["sh", "-c", "a b", "--token", "x"], hidden: "HIDDEN", unmarked: "HIDDEN" },
    ]);
    expect(summary.samples).toMatchObject([{ path: "argv", value: 'sh -c "a b" --token [redacted]', host: "a" }]);
    expect(JSON.stringify(summary.text)).not.toContain("HIDDEN");
  });
});

describe("TEMPLATE", () => {
  test("lines of one shape, by host", () => {
    const lines: TestField = { type: Type.STRING, repeated: true, untrusted: true, reduce: [R.TEMPLATE] };
    const summary = summarize({ l: lines }, [{ l: ["port 22 open", "port 80 open", "bye"] }, { l: ["port 1 open"] }]);
    expect(summary.templates).toMatchObject([
      {
        template: "port <num> open",
        count: 3n,
        hostCount: 2,
        hosts: [
          { host: "a", count: 2n },
          { host: "b", count: 1n },
        ],
        example: "port 1 open",
      },
      { template: "bye", count: 1n, example: "bye" },
    ]);
    expect(summary.text).toContain('3 lines on 2 hosts (a 2, b 1): "port <num> open", for example "port 1 open"');
  });
});
