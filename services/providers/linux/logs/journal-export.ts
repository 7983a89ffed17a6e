// The Journal Export Format: fields as bytes, whatever is in them, without the losses and the size of journal JSON (which gives null for
// a long message). Values are kept up to a bound: whoever may log can log hundreds of megabytes in one entry.

/** The kept beginning of a value, and how long the value is. */
export interface JournalValue {
  readonly bytes: Buffer;
  readonly length: number;
}

/** One entry. A field that stands in it twice keeps its first value. */
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
    let rest = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk;
    while (rest.length > 0) {
      if (!this.#open && rest[0] === newline) {
        if (!this.#endEntry()) return false;
        rest = rest.subarray(1);
        continue;
      }
      const taken = this.#open ? this.#takeValue(this.#open, rest) : this.#takeName(rest);
      if (taken === 0) break;
      rest = rest.subarray(taken);
    }
    this.#pending = Buffer.from(rest);
    return true;
  }

  // "NAME=", or the name on a line of its own and the value's length.
  #takeName(bytes: Buffer): number {
    const end = bytes.findIndex((byte) => byte === equals || byte === newline);
    if (end < 0) return 0;
    const name = bytes.toString("latin1", 0, end);
    if (bytes[end] === equals) return this.#openValue(name, undefined, end + 1);
    if (bytes.length < end + 1 + sizeBytes) return 0;
    return this.#openValue(name, Number(bytes.readBigUInt64LE(end + 1)), end + 1 + sizeBytes);
  }

  #openValue(name: string, missing: number | undefined, taken: number): number {
    this.#open = { name, kept: [], keptBytes: 0, length: 0, missing };
    return taken;
  }

  // Every value is followed by a newline.
  #takeValue(open: OpenValue, bytes: Buffer): number {
    if (open.missing === 0) return this.#closeValue(open);
    const end = open.missing === undefined ? bytes.indexOf(newline) : open.missing;
    const part = bytes.subarray(0, end < 0 ? bytes.length : end);
    this.#keep(open, part);
    if (open.missing !== undefined) open.missing -= part.length;
    else if (end >= 0) return part.length + this.#closeValue(open);
    return part.length;
  }

  #keep(open: OpenValue, part: Buffer): void {
    const kept = part.subarray(0, Math.max(0, this.valueLimit - open.keptBytes));
    open.kept.push(kept);
    open.keptBytes += kept.length;
    open.length += part.length;
  }

  #closeValue({ name, kept, length }: OpenValue): number {
    // The parts are views of whole chunks, which must not live as long as the entry.
    if (!this.#fields.has(name)) this.#fields.set(name, { bytes: Buffer.concat(kept), length });
    this.#open = undefined;
    return 1;
  }

  #endEntry(): boolean {
    const fields = this.#fields;
    this.#fields = new Map();
    return fields.size === 0 || this.onEntry(fields);
  }
}
