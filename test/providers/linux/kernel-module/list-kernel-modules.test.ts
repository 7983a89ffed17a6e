import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { TelemetryService } from "../../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import {
  listKernelModules,
  parseModules,
} from "../../../../services/providers/linux/kernel-module/list-kernel-modules.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";
import { call } from "../real-processes.js";

const method = TelemetryService.method.listKernelModules;

describe("/proc/modules", () => {
  test.each([
    [
      "xt_conntrack 16384 1 - Live 0x0000000000000000",
      { name: "xt_conntrack", sizeBytes: 16384n, useCount: 1, usedBy: [], state: "Live", taints: "" },
    ],
    [
      "nf_conntrack 188416 3 xt_conntrack,nf_nat,xt_MASQUERADE, Live 0xffffffffc0a2b000",
      {
        name: "nf_conntrack",
        sizeBytes: 188416n,
        useCount: 3,
        usedBy: ["xt_conntrack", "nf_nat", "xt_MASQUERADE"],
        state: "Live",
        taints: "",
      },
    ],
    [
      "nvidia 56717312 2 nvidia_modeset, Live 0xffffffffc1000000 (POE)",
      { name: "nvidia", sizeBytes: 56717312n, useCount: 2, usedBy: ["nvidia_modeset"], state: "Live", taints: "POE" },
    ],
    [
      "zfs 5000000 0 - Loading 0xffffffffc2000000 (PO+)",
      { name: "zfs", sizeBytes: 5000000n, useCount: 0, usedBy: [], state: "Loading", taints: "PO" },
    ],
    [
      "old 4096 0 - Unloading 0xffffffffc3000000 (-)",
      { name: "old", sizeBytes: 4096n, useCount: 0, usedBy: [], state: "Unloading", taints: "" },
    ],
    [
      "fixed 4096 - - Live 0xffffffffc3000000",
      { name: "fixed", sizeBytes: 4096n, useCount: 0, usedBy: [], state: "Live", taints: "" },
    ],
    [
      "stuck 8192 1 user,[permanent], Live 0xffffffffc3000000",
      { name: "stuck", sizeBytes: 8192n, useCount: 1, usedBy: ["user"], state: "Live", taints: "" },
    ],
  ])("%s", (line, module) => expect(parseModules(`${line}\n`)).toEqual([module]));

  it("is sorted by name", () => {
    const names = parseModules("b 1 0 - Live 0x0\na 1 0 - Live 0x0\n").map(({ name }) => name);
    expect(names).toEqual(["a", "b"]);
  });

  it("refuses what is no row", () => expect(() => parseModules("nonsense\n")).toThrow('"nonsense"'));
});

it.runIf(existsSync("/proc/modules"))("lists this kernel's modules", async () => {
  const { modules } = await call(method, listKernelModules, {});
  expect(modules).toHaveLength(readFileSync("/proc/modules", "latin1").trimEnd().split("\n").filter(Boolean).length);
});

it.skipIf(existsSync("/proc/modules"))("says that this kernel has no modules, which is not an empty list", async () => {
  const refused = await call(method, listKernelModules, {}).catch((error: unknown) => error);
  expect(errorDetailOf(refused)).toMatchObject({
    reason: ErrorReason.UNSUPPORTED,
    metadata: { needs: "CONFIG_MODULES" },
  });
});

it("refuses a pattern that is none", async () => {
  const refused = await call(method, listKernelModules, { pattern: "(" }).catch((error: unknown) => error);
  expect(errorDetailOf(refused).reason).toBe(ErrorReason.INVALID_ARGUMENT);
});
