// A journal entry as a log line of the product.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type LogEntrySchema, LogPriority } from "../../../gen/systemsmanager/telemetry/v1/log_pb.js";
import type { JournalFields, JournalValue } from "./journal-export.js";

/** The fields that the product asks journalctl for; those of the cursor and the time come always. */
export const journalFields = [
  "MESSAGE",
  "PRIORITY",
  "SYSLOG_IDENTIFIER",
  "_COMM",
  "_PID",
  "SYSLOG_PID",
  "_SYSTEMD_UNIT",
  "UNIT",
  "OBJECT_SYSTEMD_UNIT",
  "COREDUMP_UNIT",
] as const;

/** Bytes of a message that an answer shows. */
export const messageLimit = 8 * 1024;

/** The line, cut at messageLimit. */
export function toLogEntry(fields: JournalFields): MessageInitShape<typeof LogEntrySchema> {
  const microseconds = timeOf(fields);
  const { text, cutBytes } = cut(fields.get("MESSAGE"));
  return {
    time: { seconds: microseconds / 1_000_000n, nanos: Number(microseconds % 1_000_000n) * 1000 },
    unit: unitOf(fields),
    identifier: textOf(fields, "SYSLOG_IDENTIFIER") || textOf(fields, "_COMM"),
    priority: priorityOf(fields),
    pid: Number(textOf(fields, "_PID") || textOf(fields, "SYSLOG_PID")) || 0,
    message: text,
    cutBytes,
  };
}

/** Microseconds since the epoch when the journal received it. */
export function timeOf(fields: JournalFields): bigint {
  return BigInt(textOf(fields, "__REALTIME_TIMESTAMP") || "0");
}

export function cursorOf(fields: JournalFields): string {
  return textOf(fields, "__CURSOR");
}

/** A field as text, with bytes that are not UTF-8 replaced by U+FFFD; empty when the entry lacks it. */
export function textOf(fields: JournalFields, name: string): string {
  return fields.get(name)?.bytes.toString("utf8") ?? "";
}

// systemd's own lines about a unit belong to that unit, as in `journalctl --unit`; only systemd may say so of another.
function unitOf(fields: JournalFields): string {
  const sender = textOf(fields, "_SYSTEMD_UNIT");
  const about = textOf(fields, "UNIT") || textOf(fields, "COREDUMP_UNIT") || textOf(fields, "OBJECT_SYSTEMD_UNIT");
  const trusted = textOf(fields, "_PID") === "1" || sender.startsWith("systemd-");
  return about && trusted ? about : sender;
}

// Syslog's 0 is EMERGENCY, which is 1 here. Who logs need not give a priority.
function priorityOf(fields: JournalFields): LogPriority {
  const text = textOf(fields, "PRIORITY");
  return /^[0-7]$/.test(text) ? ((Number(text) + 1) as LogPriority) : LogPriority.UNSPECIFIED;
}

function cut(value: JournalValue | undefined): { text: string; cutBytes: number } {
  if (!value) return { text: "", cutBytes: 0 };
  if (value.length <= messageLimit) return { text: value.bytes.toString("utf8"), cutBytes: 0 };
  const kept = toCharacterEnd(value.bytes.subarray(0, messageLimit));
  return { text: kept.toString("utf8"), cutBytes: value.length - kept.length };
}

// A cut in the middle of a character must not look like bytes that were never UTF-8.
function toCharacterEnd(bytes: Buffer): Buffer {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && ((bytes[start] as number) & 0xc0) === 0x80) start--;
  const lead = bytes[start] as number;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return start + size > bytes.length ? bytes.subarray(0, start) : bytes;
}
