import { readFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";
import { afterEach, describe, expect, it, test, vi } from "vitest";
import { MutationService } from "../../../services/gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { TelemetryService } from "../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { getOSProvider } from "../../../services/providers/get-os-provider.js";
import { createLinuxProvider } from "../../../services/providers/linux/linux-provider.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { createLogger } from "../../../services/shared/log.js";
import { backends, call } from "./real-processes.js";

const log = createLogger("test");
afterEach(() => vi.unstubAllEnvs());

describe("the Linux provider", () => {
  it("has a handler for every operation", async () => {
    const provider = await createLinuxProvider({ log });
    expect(Object.keys(provider.telemetry).sort()).toEqual(Object.keys(TelemetryService.method).sort());
    expect(Object.keys(provider.mutation).sort()).toEqual(Object.keys(MutationService.method).sort());
    await provider.close();
  });

  it.each(backends)("tells the facts of this host on the backend %s", async (procBackend) => {
    const facts = await (await createLinuxProvider({ log, procBackend })).facts();
    expect(facts).toMatchObject({ os: "linux", kernel: release(), arch: arch(), memoryBytes: BigInt(totalmem()) });
    expect(facts.hostId).toMatch(/^[0-9a-f]{32}$/);
    expect(facts.hostId).not.toBe(readFileSync("/etc/machine-id", "utf8").trim());
    expect(facts.cpuCount).toBe(cpus().length);
    expect(facts.capabilities.includes("native")).toBe(procBackend !== "procfs");
    expect(facts.capabilities.includes("systemd")).toBe(readFileSync("/proc/1/comm", "utf8") === "systemd\n");
    const osRelease = readFileSync("/etc/os-release", "utf8");
    expect(osRelease).toMatch(new RegExp(`^ID="?${facts.distro}"?$`, "m"));
  });

  it("answers through its handlers", async () => {
    const { telemetry } = await getOSProvider({ log });
    const { processes } = await call(TelemetryService.method.getProcess, telemetry.getProcess, {
      target: { case: "pid", value: process.pid },
    });
    expect(processes[0]?.process?.parentPid).toBe(process.ppid);
  });

  test.each(["nativ", "", "NATIVE"])("refuses the misspelt backend %j instead of taking another", async (name) => {
    vi.stubEnv("SYSTEMS_MANAGER_PROC_BACKEND", name);
    const refused = await createLinuxProvider({ log }).catch((error: unknown) => error);
    expect(errorDetailOf(refused).reason).toBe(ErrorReason.INVALID_ARGUMENT);
    expect((refused as Error).message).toContain(`${JSON.stringify(name)}; use auto, iterators, native or procfs`);
  });
});

test.each(["win32", "darwin", "freebsd"] as const)("the platform %s has no provider", async (platform) => {
  const refused = await getOSProvider({ log, platform }).catch((error: unknown) => error);
  expect(errorDetailOf(refused)).toMatchObject({ reason: ErrorReason.UNSUPPORTED, metadata: { needs: "linux" } });
  expect((refused as Error).message).toContain(`"${platform}" has no provider; supported is linux`);
});
