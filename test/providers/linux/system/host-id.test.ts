import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { hashMachineId, parseMachineId, readHostId } from "../../../../services/providers/linux/system/host-id.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";

const id = "3d1219c7c4c5404aaa1f6d2a48adfda4";
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "host-id-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test.each([
  [`${id}\n`, id],
  [id.toUpperCase(), id],
  ["uninitialized\n", undefined],
  ["", undefined],
  ["00000000000000000000000000000000\n", undefined],
  ["3d1219c7-c4c5-404a-aa1f-6d2a48adfda4\n", undefined],
  [undefined, undefined],
])("the file %j holds the machine id %j", (text, machineId) => expect(parseMachineId(text)).toBe(machineId));

describe("the host id", () => {
  it("is a keyed hash: 32 digits, stable over versions, not the machine id", () => {
    // A change of this value makes every host of every fleet a new one.
    expect(hashMachineId(id)).toBe("84be9a8fa71d074346627a67fd323c61");
  });

  it("comes from the first file that has an id", () => {
    const machineIdFiles = [join(folder, "absent"), file("fresh", "uninitialized\n"), file("dbus", `${id}\n`)];
    expect(readHostId({ machineIdFiles })).toBe(hashMachineId(id));
  });

  it("is made once and kept where there is no machine id, readable by its owner alone", () => {
    const stateDirectory = join(folder, "state");
    const options = { machineIdFiles: [join(folder, "absent")], stateDirectory };
    const first = readHostId(options);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(readHostId(options)).toBe(first);
    expect(statSync(join(stateDirectory, "host-id")).mode & 0o777).toBe(0o600);
    rmSync(stateDirectory, { recursive: true });
    expect(readHostId(options)).not.toBe(first);
  });

  it("is not made anew when the kept one is damaged", () => {
    file("host-id", "half");
    const read = () => readHostId({ machineIdFiles: [], stateDirectory: folder });
    expect(read).toThrow("32 hexadecimal digits");
    expect(readFileSync(join(folder, "host-id"), "utf8")).toBe("half");
  });

  it("is an error without machine id and state directory, which says how to make one", () => {
    const path = join(folder, "absent");
    try {
      readHostId({ machineIdFiles: [path] });
      expect.unreachable();
    } catch (error) {
      expect(errorDetailOf(error)).toMatchObject({ reason: ErrorReason.STORAGE_FAILED, metadata: { path } });
      expect((error as Error).message).toContain("systemd-machine-id-setup");
    }
  });
});
