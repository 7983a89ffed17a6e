import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { gunzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ProfileSchema } from "../../../../services/gen/perftools/profiles/profile_pb.js";
import { foldStacks } from "../../../../services/providers/linux/profile/export/fold-stacks.js";
import { writePprof } from "../../../../services/providers/linux/profile/export/write-pprof.js";
import { buildFlameTree } from "../../../../services/providers/linux/profile/flame-graph/build-flame-tree.js";
import { renderFlameGraph } from "../../../../services/providers/linux/profile/flame-graph/render-flame-graph.js";
import type { CpuProfile } from "../../../../services/providers/linux/profile/open-profile.js";
import type { Frame } from "../../../../services/providers/linux/profile/symbolize.js";
import { withFolder } from "./profile-under-test.js";

const native = (name: string): Frame => ({ name, kind: "native", file: "/bin/demo" });
const hostile = '</script><img src=x onerror="alert(1)">;\n\u2028';
const stackOf = (pid: number, comm: string, count: number, names: readonly string[]) => ({
  process: { pid, startNs: 5n, comm },
  count,
  frames: names.map(native),
});
const profile: CpuProfile = {
  account: {
    taken: 20,
    idle: 5,
    filtered: 2,
    counted: 12,
    uncounted: 1,
    lostStacks: 0,
    unreadableStacks: 0,
    cutStacks: 0,
  },
  samplesPerSecond: 100,
  durationNs: 1_000_000_000n,
  cpus: 2,
  endedEarly: 3,
  stacks: [
    stackOf(7, "demo", 4, ["main", "hot"]),
    stackOf(8, "demo", 5, ["main", "hot"]),
    stackOf(7, "demo", 2, ["main"]),
    stackOf(9, "evil", 1, ["main", hostile]),
  ],
};
const endedAt = new Date("2026-01-02T03:04:05Z");

test("folded stacks: one line for each stack, and no name makes up a frame or a line", () => {
  expect(foldStacks(profile.stacks)).toBe(
    `demo;main 2\ndemo;main;hot 9\nevil;main;</script><img src=x onerror="alert(1)">:?\u2028 1\n`,
  );
  expect(foldStacks([])).toBe("");
});

test("pprof: values, names, labels and times come back as they were", async () => {
  const { stringTable, ...message } = fromBinary(ProfileSchema, gunzipSync(await writePprof(profile, endedAt)));
  const text = (number: bigint | undefined) => stringTable[Number(number)];
  expect(message.sampleType.map(({ type, unit }) => [text(type), text(unit)])).toEqual([
    ["samples", "count"],
    ["cpu", "nanoseconds"],
  ]);
  expect(message.durationNanos).toBe(1_000_000_000n);
  expect(message.timeNanos).toBe(BigInt(endedAt.getTime() - 1000) * 1_000_000n);
  const nameOf = (id: bigint) => text(message.function.find((each) => each.id === id)?.name);
  const locationName = (id: bigint) =>
    nameOf(message.location.find((each) => each.id === id)?.line[0]?.functionId as bigint);
  const samples = message.sample.map(({ locationId, value, label }) => [
    locationId.map(locationName),
    value,
    label.map(({ key, str, num }) => [text(key), num || text(str)]),
  ]);
  expect(samples[0]).toEqual([
    ["hot", "main"],
    [4n, 40_000_000n],
    [
      ["pid", 7n],
      ["comm", "demo"],
    ],
  ]);
  expect(samples).toHaveLength(4);
  expect(message.function.map(({ name }) => text(name))).toEqual(["main", "hot", hostile]);
  expect(text(message.mapping[0]?.filename)).toBe("/bin/demo");
});

const hasGo = spawnSync("go", ["version"]).status === 0;

test.skipIf(!hasGo)(
  "pprof: its stock tool reads it",
  async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "cpu.pb.gz");
      writeFileSync(path, await writePprof(profile, endedAt));
      const { stdout, stderr } = spawnSync("go", ["tool", "pprof", "-top", "-sample_index=samples", path], {
        encoding: "utf8",
      });
      expect(stderr).not.toMatch(/error|malformed/i);
      expect(stdout).toContain("Showing nodes accounting for 12, 100% of 12 total");
      expect(stdout).toMatch(/9\s+75\.00%\s+75\.00%\s+9\s+75\.00%\s+hot/);
    });
    // Newer versions of Go build the tool when it is first used.
  },
  120_000,
);

test("a flame tree adds up the processes of a name; a node holds its children's samples", () => {
  const root = buildFlameTree(profile.stacks);
  expect(root.samples).toBe(12);
  expect(root.children.map(({ name, samples }) => [name, samples])).toEqual([
    ["demo", 11],
    ["evil", 1],
  ]);
  const main = root.children[0]?.children[0];
  expect([main?.name, main?.samples, main?.children.map(({ name, samples }) => [name, samples])]).toEqual([
    "main",
    11,
    [["hot", 9]],
  ]);
});

test("a flame graph page needs nothing else, runs only its own script, and names cannot leave their data", () => {
  const page = renderFlameGraph(profile, `cpu of <${hostile}>`);
  expect(page).not.toContain("<img");
  expect(page).not.toMatch(/https?:|url\(|@import|<link|\ssrc=(?!x)/);
  const scripts = [...page.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)];
  expect(scripts.map(([, attributes]) => attributes)).toEqual([' type="application/json" id="profile"', ""]);
  expect(() => new Script(scripts[1]?.[2] ?? "")).not.toThrow();
  const policy = /content="(default-src[^"]*)"/.exec(page)?.[1];
  const hash = createHash("sha256")
    .update(scripts[1]?.[2] ?? "")
    .digest("base64");
  expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[^ ]+'; style-src 'sha256-[^ ]+'$/);
  expect(policy).toContain(`script-src 'sha256-${hash}'`);
  const data = JSON.parse(scripts[0]?.[2] ?? "");
  expect(data.texts).toContain(hostile);
  expect(data.tree[3]).toBe(12);
  expect(page).toContain("1 samples dropped (no room), 3 user stacks ended early");
});
