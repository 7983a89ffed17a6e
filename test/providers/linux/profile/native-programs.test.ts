import { once } from "node:events";
import { existsSync, mkdirSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test as testAlways } from "vitest";
import { openProfile } from "../../../../services/providers/linux/profile/open-profile.js";
import { cannotTrace, test } from "../require-tracing.js";
import {
  addon,
  compile,
  hotProgram,
  profileFor,
  profileUntil,
  shareOf,
  sumOfEnds,
  whileRunning,
  withFolder,
} from "./profile-under-test.js";

const samplesPerSecond = 499;

test.each([
  ["position-independent", ["-fPIE", "-pie"]],
  ["at a fixed address", ["-fno-pie", "-no-pie"]],
  ["static", ["-static"]],
  ["without all but exported names", ["-rdynamic", "-s"]],
])(
  "a program %s: its hot function, under its callers, holds its samples, and nobody else has any",
  async (_, flags) => {
    await withFolder((folder) =>
      whileRunning([compile(folder, hotProgram, flags)], async (pid) => {
        const profile = await profileUntil(60, { samplesPerSecond, pids: [pid] });
        expect(profile.account.counted).toBeGreaterThanOrEqual(60);
        expect(profile.account.taken).toBe(sumOfEnds(profile));
        expect([...new Set(profile.stacks.map(({ process }) => `${process.pid} ${process.comm}`))]).toEqual([
          `${pid} busy-program`,
        ]);
        expect(shareOf(profile, "hot")).toBeGreaterThan(0.9);
        const widest = [...profile.stacks].sort((one, other) => other.count - one.count)[0];
        expect(widest?.frames.map(({ name }) => name).slice(-3)).toEqual(["main", "middle", "hot"]);
        expect(widest?.frames.at(-1)).toEqual({
          name: "hot",
          kind: "native",
          file: expect.stringContaining("busy-program"),
        });
      }),
    );
  },
);

test("a name of C++ is shown as its author wrote it", async () => {
  const source = hotProgram.replaceAll("hot(void)", "hot(void*)").replace("hot();", "hot(0);");
  await withFolder((folder) =>
    whileRunning([compile(folder, source, [], "g++")], async (pid) => {
      expect(shareOf(await profileUntil(60, { samplesPerSecond, pids: [pid] }), "hot(void*)")).toBeGreaterThan(0.9);
    }),
  );
});

test("frames of a program without names are shown by file and offset", async () => {
  await withFolder((folder) =>
    whileRunning([compile(folder, hotProgram, ["-s"])], async (pid) => {
      const profile = await profileUntil(60, { samplesPerSecond, pids: [pid] });
      expect(shareOf(profile, /^\[busy-program\+0x[0-9a-f]+\]$/)).toBeGreaterThan(0.9);
    }),
  );
});

test.each([
  ["with", ["-fno-omit-frame-pointer"], 0, 0.1],
  ["without", ["-fomit-frame-pointer"], 0.9, 1],
])("stacks of code %s frame pointers: those that ended early are counted", async (_, flags, least, most) => {
  await withFolder((folder) =>
    whileRunning([compile(folder, hotProgram, flags)], async (pid) => {
      const { endedEarly, account } = await profileUntil(60, { samplesPerSecond, pids: [pid] });
      expect(endedEarly / account.counted).toBeGreaterThanOrEqual(least);
      expect(endedEarly / account.counted).toBeLessThanOrEqual(most);
    }),
  );
});

test("a process that ends in mid-profile, and whose file is gone then, keeps its names", async () => {
  await withFolder(async (folder) => {
    const program = compile(folder, hotProgram, []);
    const profile = await openProfile(addon, { samplesPerSecond });
    const pid = await whileRunning([program, "2"], async (started, child) => {
      await once(child, "exit");
      return started;
    });
    unlinkSync(program);
    await sleep(50);
    const { stacks, ...rest } = await profile.close();
    const own = { ...rest, stacks: stacks.filter(({ process }) => process.pid === pid) };
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(shareOf(own, "hot")).toBeGreaterThan(0.8);
  });
});

const unified = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((path) => existsSync(join(path, "cgroup.procs")));

const cannotGroup = cannotTrace !== undefined || unified === undefined;
testAlways.skipIf(cannotGroup)("a group is profiled with the groups below it, and nothing else", async () => {
  const outer = join(unified as string, `systems-manager-profile-${process.pid}`);
  const inner = join(outer, "inner");
  mkdirSync(inner, { recursive: true });
  try {
    await withFolder(async (folder) => {
      const program = compile(folder, hotProgram, []);
      await whileRunning([program], (outside) =>
        whileRunning([program], async (inside) => {
          writeFileSync(join(inner, "cgroup.procs"), String(inside));
          const cgroups = [statSync(outer, { bigint: true }).ino];
          const profile = await profileFor(500, { samplesPerSecond, cgroups });
          const pids = new Set(profile.stacks.map(({ process }) => process.pid));
          expect(pids).toEqual(new Set([inside]));
          expect(pids).not.toContain(outside);
          expect(profile.account.filtered).toBeGreaterThan(20);
        }),
      );
    });
  } finally {
    rmdirSync(inner);
    rmdirSync(outer);
  }
});
