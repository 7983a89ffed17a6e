// Text of /proc/PID/maps and /proc/PID/smaps_rollup.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MemoryMapSchema } from "../../../gen/systemsmanager/telemetry/v1/process_pb.js";

const line = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+ *(.*)$/;

/** The first `limit` mappings, and how many there are. */
export function parseMaps(
  text: string,
  limit: number,
): { maps: MessageInitShape<typeof MemoryMapSchema>[]; count: number } {
  const lines = text.split("\n").filter((candidate) => candidate !== "");
  return { maps: lines.slice(0, limit).map(parseMap), count: lines.length };
}

function parseMap(text: string): MessageInitShape<typeof MemoryMapSchema> {
  const found = line.exec(text);
  if (!found) throw new Error(`/proc/PID/maps has a line of unknown form: ${JSON.stringify(text)}`);
  const [, start, end, permissions, offset, path] = found;
  return {
    start: BigInt(`0x${start}`),
    end: BigInt(`0x${end}`),
    permissions: permissions ?? "",
    offset: BigInt(`0x${offset}`),
    path: path ?? "",
  };
}

/** Proportional set size in bytes; 0 for a process without memory. */
export function parseProportionalSetSize(text: string): bigint {
  const found = /^Pss:\s+(\d+) kB$/m.exec(text);
  return found ? BigInt(found[1] as string) * 1024n : 0n;
}
