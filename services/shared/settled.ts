// Promises whose failure somebody else is told of: who awaits the promise itself, now or later.

/** Resolves when the work has settled, whatever came of it; from now on its failure is no unhandled rejection. */
export async function settled(work: Promise<unknown>): Promise<void> {
  await Promise.allSettled([work]);
}
