// What /proc/PID/cmdline and /proc/PID/environ have.

/** Most bytes of a command line that are kept. */
export const maxCommandLineBytes = 32 * 1024;

/**
 * Arguments of a command line. Trailing empty ones are dropped: they cannot be told from the padding that programs leave which
 * write their title over their arguments. `cutBytes` were left out at the end, and the last element says so.
 */
export function parseCommandLine(text: string, cutBytes = 0): string[] {
  let end = text.length;
  if (cutBytes === 0) while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  if (end === 0) return [];
  const argv = text.slice(0, end).split("\0");
  if (cutBytes > 0) argv.push(`[${cutBytes} bytes cut]`);
  return argv;
}

/** Sorted, distinct names of an environment; values are not decoded. */
export function parseEnvironmentNames(bytes: Buffer): string[] {
  const names = new Set<string>();
  for (let start = 0; start < bytes.length; ) {
    const terminator = bytes.indexOf(0, start);
    const end = terminator < 0 ? bytes.length : terminator;
    const equals = bytes.indexOf(0x3d, start);
    // An entry without "=" is no variable: a program wrote over its environment, and the rest may be a secret.
    if (equals > start && equals < end) names.add(bytes.toString("utf8", start, equals));
    start = end + 1;
  }
  return [...names].sort();
}
