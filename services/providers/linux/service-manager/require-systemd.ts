// Whether the host runs under systemd.
import { existsSync, readFileSync } from "node:fs";
import { ErrorReason, failure } from "../../../shared/errors.js";

/** True on a host that was booted with systemd. The test is that of sd_booted(3). */
export function hasSystemd(): boolean {
  return existsSync("/run/systemd/system");
}

/** Throws SERVICE_MANAGER_MISSING with the name of process 1. */
export function requireSystemd(): void {
  if (hasSystemd()) return;
  const found = readFileSync("/proc/1/comm", "utf8").trim();
  throw failure(
    ErrorReason.SERVICE_MANAGER_MISSING,
    `the host does not run under systemd: process 1 is ${printable(found)}`,
    {
      metadata: { found },
      remedy: "services can be listed and managed on hosts that were booted with systemd",
    },
  );
}

// Only root chooses process 1, but its name goes into a message.
function printable(name: string): string {
  return name.replace(/[^\w.-]/g, "?").slice(0, 32);
}
