// Running journalctl, and what it says when it cannot answer.
import { readdirSync } from "node:fs";
import { ErrorReason, errorDetailOf, failure } from "../../../shared/errors.js";
import { lookUpProgram } from "../find-program.js";
import { runProgram } from "../run-program.js";
import { journalFields } from "./journal-entry.js";
import { JournalExportParser, type JournalFields } from "./journal-export.js";

// A pattern is searched for in this much of a message.
const valueLimit = 1024 * 1024;

/** Reads entries, newest first, until onEntry returns false. UNSUPPORTED, PRIVILEGE_MISSING, INVALID_ARGUMENT, INVALID_HANDLE. */
export async function readJournal(
  filters: readonly string[],
  onEntry: (fields: JournalFields) => boolean,
  signal: AbortSignal,
): Promise<void> {
  if (!(await lookUpProgram("journalctl"))) throw noJournal();
  if (process.geteuid?.() !== 0) await probe(signal);
  let isEmpty = true;
  const parser = new JournalExportParser(valueLimit, (fields) => {
    isEmpty = false;
    return onEntry(fields);
  });
  const format = ["--no-pager", "--reverse", "--output=export", `--output-fields=${journalFields.join(",")}`];
  const consume = (chunk: Buffer) => parser.push(chunk);
  try {
    await runProgram("journalctl", [...format, ...filters], { signal, consume });
  } catch (error) {
    const { reason, metadata } = errorDetailOf(error);
    if (reason === ErrorReason.COMMAND_FAILED) explain(metadata.output ?? "");
    throw error;
  }
  if (isEmpty) await probe(signal);
}

// Only for people journalctl says, with exit code 0, that there is no journal or that it shows a part of it; not with --output=export.
async function probe(signal: AbortSignal): Promise<void> {
  // The line itself, which anybody may have written, is dropped; what is left is journalctl's standard error.
  const consume = () => true;
  const args = ["--no-pager", "--lines=1", "--output=short"];
  const { output } = await runProgram("journalctl", args, { signal, consume, acceptedExitCodes: [0, 1] });
  explain(output.text);
}

function explain(complaint: string): void {
  if (/No journal files were found/.test(complaint)) throw noJournal();
  if (/not seeing messages from other users|insufficient permissions/.test(complaint)) throw noPrivilege();
  if (/specified boot|No such boot/i.test(complaint)) throw noBoot();
  if (/cursor/i.test(complaint)) throw badCursor();
}

function noJournal() {
  const found = textLogs();
  const instead = found.length > 0 ? `; it has only ${found.join(", ")}` : "";
  return failure(ErrorReason.UNSUPPORTED, `the host keeps no systemd journal${instead}`, {
    metadata: { operation: "QueryLogs", needs: "systemd-journald", found: found.join(",") },
    remedy: "run systemd-journald on the host",
  });
}

function textLogs(): string[] {
  const names = readdirSync("/var/log");
  return ["syslog", "messages"].filter((name) => names.includes(name)).map((name) => `/var/log/${name}`);
}

function noPrivilege() {
  return failure(ErrorReason.PRIVILEGE_MISSING, "the daemon may read only a part of the journal", {
    metadata: { needs: "root" },
    remedy: "run the daemon as root or in the group systemd-journal",
  });
}

function noBoot() {
  return failure(ErrorReason.INVALID_ARGUMENT, "boot: the journal has no such boot", {
    metadata: { field: "boot", rule: "exists" },
    remedy: "ask for a later boot; the journal of earlier ones is not kept",
  });
}

/** A cursor that no journal gave, or of another host. */
export function badCursor() {
  return failure(ErrorReason.INVALID_HANDLE, "cursor: it is not one that this host's journal gave", {
    metadata: { handle: "cursor" },
    remedy: "give the next_cursor of an answer of the same host",
  });
}
