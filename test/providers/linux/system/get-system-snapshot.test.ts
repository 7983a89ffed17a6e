import { execFileSync } from "node:child_process";
import { availableParallelism, hostname, release, totalmem } from "node:os";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, expect, it } from "vitest";
import { TelemetryService } from "../../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { createGetSystemSnapshot } from "../../../../services/providers/linux/system/get-system-snapshot.js";
import { call, context, RealProcesses } from "../real-processes.js";

const processes = new RealProcesses();
afterEach(() => processes.end());

const method = TelemetryService.method.getSystemSnapshot;
const handler = createGetSystemSnapshot();

it("tells the truth about this machine", async () => {
  const snapshot = await call(method, handler, {});
  expect(snapshot.os).toMatchObject({ kernelRelease: release(), hostname: hostname(), arch: process.arch });
  expect(snapshot.os?.prettyName).not.toBe("");
  expect(Number(snapshot.memory?.totalBytes)).toBe(totalmem());
  const free = execFileSync("free", ["-b"], { encoding: "utf8" });
  const available = Number((/^Mem:.* (\d+)$/m.exec(free) as RegExpExecArray)[1]);
  expect(Math.abs(Number(snapshot.memory?.availableBytes) - available)).toBeLessThan(512 * 1024 * 1024);
  expect(snapshot.hardware?.cpuCount).toBeGreaterThanOrEqual(availableParallelism());
  const uptime = Number.parseFloat(execFileSync("cat", ["/proc/uptime"], { encoding: "utf8" }));
  expect(Math.abs(snapshot.uptimeSeconds - uptime)).toBeLessThan(2);
  expect(snapshot.bootTime && Math.abs(timestampMs(snapshot.bootTime) - (Date.now() - uptime * 1000))).toBeLessThan(
    3000,
  );
  expect(snapshot.disks.map(({ mountPoint }) => mountPoint)).toContain("/");
  expect(snapshot.load?.one).toBeGreaterThanOrEqual(0);
  expect(snapshot.unavailable).toEqual([]);
});

it("sees a CPU that is busy", async () => {
  processes.start("bash", ["-c", "while :; do :; done"]);
  const { cpu, hardware } = await call(method, handler, {});
  expect(cpu?.utilization).toBeGreaterThan(0.5 / (hardware?.cpuCount ?? 1));
  expect(cpu?.utilization).toBeLessThanOrEqual(1);
  expect(cpu?.user).toBeGreaterThan(0);
});

it("ends when its caller does", async () => {
  const signal = AbortSignal.timeout(20);
  await expect(handler({} as never, { ...context, signal })).rejects.toThrow();
});
