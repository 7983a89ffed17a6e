// What is said where hosts cannot run.
import { execa } from "execa";
import { describe, expect, test, vi } from "vitest";
import { reportSkip } from "../shared/report-skip.js";
import { requireHosts, script } from "./require-hosts.js";

const skipped = await requireHosts();

describe("a machine without hosts", () => {
  test.skipIf(skipped)("the probe exits 77 and says what is missing", async () => {
    const { file, args } = script("probe.sh");
    const withoutRoot = ["--reuid=65534", "--clear-groups", "--inh-caps=-all", file, ...args];
    const { exitCode, stderr } = await execa("setpriv", withoutRoot, { reject: false });
    expect({ exitCode, stderr }).toEqual({ exitCode: 77, stderr: "hosts need root: run the tests as root" });
  });

  test("the reason is printed", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    reportSkip("real hosts", "no root", false);
    expect(warn).toHaveBeenCalledWith("skipped, this machine has no real hosts: no root");
    warn.mockRestore();
  });

  test("in CI it is an error", () => {
    expect(() => reportSkip("real hosts", "no root", true)).toThrow("in CI every suite must run");
  });
});
