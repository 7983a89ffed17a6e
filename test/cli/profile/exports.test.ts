import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { gunzipSync } from "node:zlib";
import { create, fromBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { buildFlameTree } from "../../../services/cli/profile/build-flame-tree.js";
import { readProfile } from "../../../services/cli/profile/fleet-profile.js";
import { renderFlamePage } from "../../../services/cli/profile/render-flame-page.js";
import { renderFlamePicture } from "../../../services/cli/profile/render-flame-picture.js";
import { writePprof } from "../../../services/cli/profile/write-pprof.js";
import { ProfileSchema } from "../../../services/gen/perftools/profiles/profile_pb.js";
import { TraceReadingSchema } from "../../../services/gen/systemsmanager/trace/v1/reading_pb.js";
import { sumFolded } from "../../../services/providers/linux/profile/fold-stacks.js";
import type { Frame } from "../../../services/providers/linux/profile/symbolize.js";
import { withFolder } from "../../providers/linux/profile/profile-under-test.js";

const hostile = '</script><img src=x onerror="alert(1)">;\n\u2028_[k]';
const frame = (name: string, kind: Frame["kind"] = "native"): Frame => ({ name, kind, file: "/bin/demo" });
const stackOf = (pid: number, comm: string, count: number, ...frames: Frame[]) => ({
  process: { pid, startNs: 5n, comm },
  count,
  frames,
});
const stacks = [
  stackOf(7, "demo", 4, frame("main"), frame("hot", "compiled"), frame("do_syscall_64", "kernel")),
  stackOf(8, "demo", 5, frame("main"), frame("hot", "compiled"), frame("do_syscall_64", "kernel")),
  stackOf(7, "demo", 2, frame("main")),
  stackOf(9, "evil", 1, frame("[demo+0x10]", "unknown"), frame(hostile)),
];
const cleaned = '</script><img src=x onerror="alert(1)">:?\u2028_(k)';
const reading = create(TraceReadingSchema, {
  stacks: [...sumFolded(stacks)].map(([folded, count]) => ({ folded, samples: BigInt(count) })),
  elapsed: durationFromMs(1_000),
  otherCount: 3n,
  notes: ["2 samples have a stack that is not whole (cutStacks)"],
});
const profile = readProfile(reading, 100);
const endedAt = new Date("2026-01-02T03:04:05Z");

test("folded stacks add up processes of a name and mark what is not native; no name makes up a frame, a line or a mark", () => {
  expect([...sumFolded(stacks)]).toEqual([
    ["demo;main;hot_[j];do_syscall_64_[k]", 9],
    ["demo;main", 2],
    [`evil;[demo+0x10];${cleaned}`, 1],
  ]);
});

test("a profile is read back from them, with the kinds of its frames", () => {
  expect(profile.stacks[0]?.frames).toEqual([
    { name: "demo", kind: "process" },
    { name: "main", kind: "native" },
    { name: "hot", kind: "compiled" },
    { name: "do_syscall_64", kind: "kernel" },
  ]);
  expect(profile.stacks[2]?.frames.map(({ kind }) => kind)).toEqual(["process", "unknown", "native"]);
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
    label.map(({ key, str }) => [text(key), text(str)]),
  ]);
  expect(samples[0]).toEqual([["do_syscall_64", "hot", "main"], [9n, 90_000_000n], [["comm", "demo"]]]);
  expect(samples).toHaveLength(3);
  expect(message.function.map(({ name }) => text(name))).toEqual([
    "main",
    "hot",
    "do_syscall_64",
    "[demo+0x10]",
    cleaned,
  ]);
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
      expect(stdout).toMatch(/9\s+75\.00%\s+75\.00%\s+9\s+75\.00%\s+do_syscall_64/);
    });
    // Newer versions of Go build the tool when it is first used.
  },
  120_000,
);

test("a flame tree adds up the processes of a name; a node holds its children's samples", () => {
  const root = buildFlameTree(profile);
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
  const page = renderFlamePage(profile, `cpu of <${hostile}>`);
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
  expect(data.texts).toContain(cleaned);
  expect(data.tree[2]).toBe(12);
  expect(page).toContain(
    "12 samples, about 0.12 s of CPU time, in 1.0 s at 100 Hz; 3 samples of rarer stacks are not shown",
  );
  expect(page).toContain("2 samples have a stack that is not whole");
});

test("a flame picture shows each frame as wide as its samples, and names cannot leave their text", () => {
  const picture = renderFlamePicture(profile, `cpu of <${hostile}>`);
  expect(picture).not.toContain("<img");
  expect(picture).not.toMatch(/<script|onload|href/);
  const boxes = [...picture.matchAll(/width="([\d.]+)" height="17"[^>]*><title>([^<]*): (\d+) samples/g)];
  expect(boxes.map(([, wide, name, samples]) => [name, samples, Math.round(Number(wide))])).toEqual([
    ["all", "12", 1200],
    ["demo", "11", 1100],
    ["main", "11", 1100],
    ["hot", "9", 900],
    ["do_syscall_64", "9", 900],
    ["evil", "1", 100],
    ["[demo+0x10]", "1", 100],
    [expect.stringContaining("&lt;/script&gt;"), "1", 100],
  ]);
});
