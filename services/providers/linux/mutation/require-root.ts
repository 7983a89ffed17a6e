// Changing a host needs root; a dry run says so too, because its commit could not be.
import { ErrorReason, failure } from "../../../shared/errors.js";

/** Throws PRIVILEGE_MISSING. */
export function requireRoot(operation: string): void {
  if (process.geteuid?.() === 0) return;
  throw failure(
    ErrorReason.PRIVILEGE_MISSING,
    `${operation} needs root, and the daemon runs as user ${process.geteuid?.()}`,
    {
      metadata: { needs: "root" },
      remedy: "run the daemon as root",
    },
  );
}
