// Keeps a server verb running until SIGINT or SIGTERM, then closes it in order.

/** Resolves after `close` has run; a second signal ends the process at once. */
export async function runUntilSignal(close: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  await close();
}
