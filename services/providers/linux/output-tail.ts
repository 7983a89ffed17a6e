// Keeps the end of a program's output within a bound, and counts what it cut.

/** The kept end as text, with bytes that are not UTF-8 replaced by U+FFFD. */
export interface TailText {
  readonly text: string;
  /** Bytes cut before the text. */
  readonly cutBytes: number;
}

/** The last `limit` bytes of a stream. Memory stays below twice the limit and one chunk. */
export class OutputTail {
  #chunks: Buffer[] = [];
  #keptBytes = 0;
  #totalBytes = 0;

  constructor(readonly limit: number) {}

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#keptBytes += chunk.length;
    this.#totalBytes += chunk.length;
    if (this.#keptBytes > 2 * this.limit) this.#trim();
  }

  text(): TailText {
    this.#trim();
    const kept = Buffer.concat(this.#chunks);
    const cutBytes = this.#totalBytes - kept.length;
    const whole = cutBytes === 0 ? kept : fromCharacterStart(kept);
    return { text: whole.toString("utf8"), cutBytes: this.#totalBytes - whole.length };
  }

  #trim(): void {
    const kept = Buffer.concat(this.#chunks);
    const tail = kept.length > this.limit ? Buffer.from(kept.subarray(kept.length - this.limit)) : kept;
    this.#chunks = [tail];
    this.#keptBytes = tail.length;
  }
}

// A cut in the middle of a character must not look like bytes that were never UTF-8.
function fromCharacterStart(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && start < bytes.length && ((bytes[start] as number) & 0xc0) === 0x80) start++;
  return bytes.subarray(start);
}
