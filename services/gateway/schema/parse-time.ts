// Points in time as a caller writes them.
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/**
 * RFC 3339 ("2026-07-28T12:00:00Z") or an age ("90s", "15m", "2h", "7d": so long before now); undefined for anything
 * else.
 */
export function parseTime(text: string, now = Date.now()): Timestamp | undefined {
  const age = /^(\d{1,9})([smhd])$/.exec(text);
  const ms = age
    ? now - Number(age[1]) * (unitMs[age[2] as string] as number)
    : rfc3339.test(text)
      ? Date.parse(text)
      : NaN;
  return Number.isNaN(ms) ? undefined : timestampFromDate(new Date(ms));
}
