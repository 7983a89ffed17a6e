import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, test } from "vitest";
import { readBounded } from "../../../../services/providers/linux/procfs/read-bounded.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "read-bounded-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  [0, 10],
  [1, 10],
  [10, 10],
  [11, 10],
  [2048, 4096],
  [2049, 2048],
  [2049, 100_000],
  [70_000, 32_768],
  [200_000, 100_000],
  [200_000, 200_000],
])("of %i bytes, at most %i are kept and the rest is counted", async (size, limit) => {
  const content = Buffer.from(Array.from({ length: size }, (_, index) => index % 251));
  writeFileSync(join(folder, "file"), content);
  const { bytes, cutBytes } = await readBounded(join(folder, "file"), limit);
  expect(bytes.equals(content.subarray(0, limit))).toBe(true);
  expect(cutBytes).toBe(Math.max(size - limit, 0));
});

it("fails as node does for a file that is not there", async () => {
  await expect(readBounded(join(folder, "absent"), 10)).rejects.toMatchObject({ code: "ENOENT" });
});
