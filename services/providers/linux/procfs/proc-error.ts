// What an errno of /proc means.

/** True when the process ended meanwhile, which is normal during a walk. */
export function isVanished(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOENT" || code === "ESRCH";
}

/** True when the process exists and this one may not look. */
export function isDenied(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "EACCES" || code === "EPERM";
}

/** Words for the reason why a part could not be read: "permission denied". */
export function describeErrno(error: unknown): string {
  const code = errnoOf(error);
  if (isDenied(error)) return "permission denied";
  if (code === "ENOENT") return "not there";
  if (code === "ESRCH") return "the process ended";
  return code ?? (error instanceof Error ? error.message : String(error));
}

function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}
