// Text of /proc/meminfo.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MemoryUsageSchema } from "../../../gen/systemsmanager/telemetry/v1/system_pb.js";

/** Parses /proc/meminfo into bytes. */
export function parseMemory(text: string): MessageInitShape<typeof MemoryUsageSchema> & { totalBytes: bigint } {
  const values = new Map<string, bigint>();
  for (const [, name, kibibytes] of text.matchAll(/^(\S+):\s+(\d+) kB$/gm)) {
    values.set(name as string, BigInt(kibibytes as string) * 1024n);
  }
  const value = (name: string) => values.get(name) ?? 0n;
  const totalBytes = value("MemTotal");
  // Kernels before 3.14 lack MemAvailable; free memory and caches are what `free` showed then.
  const availableBytes = values.get("MemAvailable") ?? value("MemFree") + value("Buffers") + value("Cached");
  return {
    totalBytes,
    availableBytes,
    usedRatio: totalBytes === 0n ? 0 : 1 - Number(availableBytes) / Number(totalBytes),
    swapTotalBytes: value("SwapTotal"),
    swapUsedBytes: value("SwapTotal") - value("SwapFree"),
  };
}
