// From callbacks to `for await`: what is pushed comes out in order.

/** For one consumer. Its length is bounded by whoever pushes. */
export interface AsyncQueue<Item> extends AsyncIterable<Item> {
  /** Does nothing after the end. */
  push(item: Item): void;
  /** Ends the iteration behind what was pushed; with an error it throws that at once. The first call counts. */
  end(error?: unknown): void;
}

/** An empty one. */
export function createAsyncQueue<Item extends object>(): AsyncQueue<Item> {
  const items: Item[] = [];
  let end: { readonly error: unknown } | undefined;
  let wake: () => void = () => undefined;
  return {
    push(item) {
      if (!end) items.push(item);
      wake();
    },
    end(error) {
      end ??= { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (end?.error !== undefined) throw end.error;
        const item = items.shift();
        if (item !== undefined) yield item;
        else if (end) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
