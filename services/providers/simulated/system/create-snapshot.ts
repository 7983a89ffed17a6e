// A made-up machine.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  DiskSchema,
  type GetSystemSnapshotResponse,
  GetSystemSnapshotResponseSchema,
} from "../../../gen/systemsmanager/telemetry/v1/system_pb.js";
import { pick } from "../seeded-random.js";

const gibibyte = 1024n ** 3n;
const kernels = ["6.1.0-28-amd64", "6.1.0-31-amd64", "6.12.9-amd64"];
const processors = ["AMD EPYC 7763 64-Core Processor", "Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz"];
const bootedAtMs = Date.UTC(2026, 0, 1);
const mountPoints = ["/", "/boot", "/var", "/home", "/srv", "/var/lib/postgresql", "/var/log", "/data"];

/** A snapshot of this encoded size, or of the smallest that there is. */
export function createSnapshot(random: () => number, variant: number, bytes: number): GetSystemSnapshotResponse {
  const snapshot = create(GetSystemSnapshotResponseSchema, {
    ...createMachine(random),
    os: {
      prettyName: "Emulated GNU/Linux 1",
      distroId: "emulated",
      distroVersion: "1",
      kernelRelease: pick(kernels, random),
      arch: "x64",
      hostname: `variant-${variant}`,
    },
    bootTime: timestampFromMs(bootedAtMs + variant * 60_000),
    uptimeSeconds: 86_400 * (1 + Math.floor(random() * 300)),
  });
  const size = () => toBinary(GetSystemSnapshotResponseSchema, snapshot).length;
  for (const mountPoint of mountPoints) {
    snapshot.disks.push(create(DiskSchema, createDisk(mountPoint, random)));
    if (size() > bytes) snapshot.disks.pop();
  }
  // A long device name brings it to the byte, but for a length prefix that grows.
  const last = snapshot.disks.at(-1);
  if (last) last.device += "-".repeat(Math.max(0, bytes - size()));
  if (last && size() > bytes) last.device = last.device.slice(0, bytes - size());
  return snapshot;
}

function createMachine(random: () => number) {
  const totalBytes = gibibyte * BigInt(pick([8, 16, 64, 256], random));
  const usedRatio = round(0.1 + 0.8 * random());
  const utilization = round(random());
  return {
    hardware: {
      vendor: "systems-manager",
      product: "emulated host",
      cpuModel: pick(processors, random),
      cpuCount: pick([4, 16, 64], random),
      virtualization: "kvm",
    },
    cpu: {
      utilization,
      user: round(utilization * 0.7),
      system: round(utilization * 0.25),
      iowait: round(random() * 0.05),
      steal: 0,
    },
    memory: {
      totalBytes,
      availableBytes: BigInt(Math.round(Number(totalBytes) * (1 - usedRatio))),
      usedRatio,
      swapTotalBytes: 2n * gibibyte,
      swapUsedBytes: BigInt(Math.floor(random() * 2 ** 20)),
    },
    load: { one: round(random() * 4), five: round(random() * 4), fifteen: round(random() * 4) },
  };
}

function createDisk(mountPoint: string, random: () => number) {
  const totalBytes = gibibyte * BigInt(pick([20, 100, 500, 2_000], random));
  const usedRatio = round(0.05 + 0.9 * random());
  const availableBytes = BigInt(Math.round(Number(totalBytes) * (1 - usedRatio)));
  const device = `/dev/mapper/emulated${mountPoint.replaceAll("/", "-")}`;
  return { mountPoint, device, fileSystem: "ext4", totalBytes, availableBytes, usedRatio, readOnly: false };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
