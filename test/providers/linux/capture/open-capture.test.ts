// What a capture refuses before the kernel hears of it, and how it ends when nobody ends it.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";
import { addon } from "./capture-under-test.js";

test("an addon whose records are laid out in another way is refused, in words that say what to do", async () => {
  const stale = { ...addon, eventLayoutVersion: 99 };
  await expect(openCapture(stale, { kinds: ["exec"] })).rejects.toThrow(/event layout 99, and \d+ is needed.*setup/s);
});

const script = (end: string) => `
  const { openCapture } = require(${JSON.stringify(builtAddonPath())});
  const sizes = { ringBytes: 65536, wakeAtBytes: 1024, batchBytes: 65536, batchesInFlight: 8, lookEveryMs: 10, eventsPerSecond: 0 };
  const filter = { pids: [], cgroups: [], users: [], comms: [], ports: [], networks: [], roots: [], paths: [] };
  const open = () => openCapture({ ...sizes, kinds: 1 << 2, filter }, () => {});
  (async () => { ${end} })();`;

test.each([
  ["its process ends", "await open(); process.exit(3);"],
  ["it was closed, collected, and its process ends", "await (await open()).close(); gc(); gc(); process.exit(3);"],
  [
    "it was forgotten, and collected",
    "await open(); await new Promise(setImmediate); gc(); gc(); process.exitCode = 3;",
  ],
])("nothing goes wrong when %s", (_what, end) => {
  const { status, signal, stderr } = spawnSync(process.execPath, ["--expose-gc", "-e", script(end)], {
    encoding: "utf8",
    timeout: 20_000,
  });
  expect({ status, signal, stderr }).toEqual({ status: 3, signal: null, stderr: "" });
});
