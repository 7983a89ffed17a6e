// The Journal Export Format: fields as bytes, whatever is in them, without the losses and the size of journal JSON (which gives null for
// a long message). Values are kept up to a bound: whoever may log can log hundreds of megabytes in one entry.

/** The kept beginning of a value, and how long the value is. */
export interface JournalValue {
  readonly bytes: Buffer;
  readonly length: number;
}

/** One entry. A field that stands in it twice keeps its first value. The bytes are views of what was pushed. */
export type JournalFields = ReadonlyMap<string, JournalValue>;

interface OpenValue {
  readonly name: string;
  readonly kept: Buffer[];
  keptBytes: number;
  length: number;
  /** Bytes still to come of a value with a length; undefined for one that ends at the newline. */
  missing: number | undefined;
}

const newline = 0x0a;
const equals = 0x3d;
const sizeBytes = 8;

/** Takes the output of `journalctl --output=export` in pieces and gives each entry as soon as it is complete. */
export class JournalExportParser {
  #pending = Buffer.alloc(0);
  #fields = new Map<string, JournalValue>();
  #open: OpenValue | undefined;

  /** Keeps `valueLimit` bytes of each value; `onEntry` returns false when it wants no more. */
  constructor(
    readonly valueLimit: number,
    readonly onEntry: (fields: JournalFields) => boolean,
  ) {}

  /** False as soon as onEntry wants no more. */
  push(chunk: Buffer): boolean {
    const bytes = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk;
    let at = 0;
    while (at < bytes.length) {
      if (!this.#open && bytes[at] === newline) {
        if (!this.#endEntry()) return false;
        at++;
        continue;
      }
      const next = this.#open ? this.#takeValue(this.#open, bytes, at) : this.#takeName(bytes, at);
      if (next === at) break;
      at = next;
    }
    this.#pending = Buffer.from(bytes.subarray(at));
    return true;
  }

  // "NAME=", or the name on a line of its own and the value's length. Gives where the value begins; `at` when that is still to come.
  #takeName(bytes: Buffer, at: number): number {
    let end = at;
    while (end < bytes.length && bytes[end] !== equals && bytes[end] !== newline) end++;
    if (end === bytes.length) return at;
    const name = bytes.toString("latin1", at, end);
    if (bytes[end] === equals) return this.#openValue(name, undefined, end + 1);
    if (bytes.length < end + 1 + sizeBytes) return at;
    return this.#openValue(name, Number(bytes.readBigUInt64LE(end + 1)), end + 1 + sizeBytes);
  }

  #openValue(name: string, missing: number | undefined, begin: number): number {
    this.#open = { name, kept: [], keptBytes: 0, length: 0, missing };
    return begin;
  }

  // Every value is followed by a newline. Gives where the next field begins, or the end of the bytes.
  #takeValue(open: OpenValue, bytes: Buffer, at: number): number {
    if (open.missing === 0) return this.#closeValue(open, at + 1);
    const found = open.missing === undefined ? bytes.indexOf(newline, at) : at + open.missing;
    const end = found < 0 ? bytes.length : Math.min(found, bytes.length);
    this.#keep(open, bytes, at, end);
    if (open.missing !== undefined) open.missing -= end - at;
    else if (found >= 0) return this.#closeValue(open, end + 1);
    return end;
  }

  #keep(open: OpenValue, bytes: Buffer, begin: number, end: number): void {
    const keptEnd = Math.min(end, begin + this.valueLimit - open.keptBytes);
    if (keptEnd > begin) open.kept.push(bytes.subarray(begin, keptEnd));
    open.keptBytes += Math.max(0, keptEnd - begin);
    open.length += end - begin;
  }

  #closeValue({ name, kept, length }: OpenValue, next: number): number {
    const bytes = kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept);
    if (!this.#fields.has(name)) this.#fields.set(name, { bytes, length });
    this.#open = undefined;
    return next;
  }

  #endEntry(): boolean {
    const fields = this.#fields;
    this.#fields = new Map();
    return fields.size === 0 || this.onEntry(fields);
  }
}
