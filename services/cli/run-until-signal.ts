// Keeps a server verb running until SIGINT or SIGTERM, then closes it in order.

const signals = ["SIGINT", "SIGTERM"] as const;

/** Resolves after `close` has run; a second signal ends the process at once. */
export async function runUntilSignal(close: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve());
  });
  for (const signal of signals) process.once(signal, () => process.exit(130));
  await close();
}

/** What the step resolves with; a signal meanwhile aborts it, so that it need not be waited for. */
export async function untilSignal<Result>(step: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const ending = new AbortController();
  const end = () => ending.abort();
  for (const signal of signals) process.once(signal, end);
  try {
    return await step(ending.signal);
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}
