// Closes what was opened, last first.

interface Closable {
  close(): Promise<void>;
}

export type Closer = ReturnType<typeof createCloser>;

/** Opens parts one after the other; when one fails, those before it are closed. */
export async function openAll<Result>(open: (closer: Closer) => Promise<Result>): Promise<Result> {
  const closer = createCloser();
  try {
    return await open(closer);
  } catch (error) {
    await closer.close();
    throw error;
  }
}

/** Collects parts as they open; `close` closes each once, in reverse order, and throws what the first failing one threw. */
function createCloser() {
  const parts: Closable[] = [];
  return {
    add<Part extends Closable>(part: Part): Part {
      parts.push(part);
      return part;
    },
    close: async (): Promise<void> => {
      const errors: unknown[] = [];
      for (let part = parts.pop(); part; part = parts.pop()) await part.close().catch((error) => errors.push(error));
      if (errors.length > 0) throw errors[0];
    },
  };
}
