// Closes what was opened, last first.

interface Closable {
  close(): Promise<void>;
}

/** Collects parts as they open; `close` closes each once, in reverse order, and throws what the first failing one threw. */
export function createCloser() {
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
