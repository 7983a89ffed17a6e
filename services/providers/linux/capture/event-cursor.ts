// Walks over the records of a batch. Fields are decoded when they are asked for, so that an event that is only counted costs no text.
import { commBytes, header, resolvedFlag } from "./event-layout.js";

// The kernel's programs write in the machine's byte order.
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** One event at a time: after `next` said true, the fields are those of that event until it is called again. */
export class EventCursor {
  readonly #view: DataView;
  readonly #bytes: Buffer;
  #at = 0;
  #end = 0;

  constructor(batch: ArrayBuffer) {
    this.#view = new DataView(batch);
    this.#bytes = Buffer.from(batch);
  }

  /** False behind the last event. Throws RangeError for a batch that is not whole records. */
  next(): boolean {
    this.#at = this.#end;
    if (this.#at === this.#bytes.length) return false;
    const size = this.#view.getUint16(this.#at + header.size, littleEndian);
    if (size < header.end || size % 8 !== 0 || this.#at + size > this.#bytes.length) {
      throw new RangeError(`an event of ${size} bytes at ${this.#at} of ${this.#bytes.length}`);
    }
    this.#end = this.#at + size;
    return true;
  }

  get kind(): number {
    return this.#view.getUint8(this.#at + header.kind);
  }

  /** Of the kind's own. */
  get flags(): number {
    return this.#view.getUint8(this.#at + header.flags);
  }

  get isResolved(): boolean {
    return (this.flags & resolvedFlag) !== 0;
  }

  get cpu(): number {
    return this.#view.getUint16(this.#at + header.cpu, littleEndian);
  }

  /** Of its CPU. */
  get sequence(): bigint {
    return this.long(header.sequence);
  }

  /** Nanoseconds since boot. */
  get time(): bigint {
    return this.long(header.time);
  }

  /** When its process started, in nanoseconds since boot. */
  get start(): bigint {
    return this.long(header.start);
  }

  get cgroup(): bigint {
    return this.long(header.cgroup);
  }

  get pid(): number {
    return this.word(header.pid);
  }

  get tid(): number {
    return this.word(header.tid);
  }

  get parent(): number {
    return this.word(header.parent);
  }

  get user(): number {
    return this.word(header.user);
  }

  get comm(): string {
    const from = this.#at + header.comm;
    const end = this.#bytes.indexOf(0, from);
    return this.#bytes.toString("utf8", from, end < 0 ? from + commBytes : Math.min(end, from + commBytes));
  }

  /** A field of the kind's own, by its offset in the record. */
  half(offset: number): number {
    return this.#view.getUint16(this.#at + offset, littleEndian);
  }

  word(offset: number): number {
    return this.#view.getUint32(this.#at + offset, littleEndian);
  }

  signedWord(offset: number): number {
    return this.#view.getInt32(this.#at + offset, littleEndian);
  }

  long(offset: number): bigint {
    return this.#view.getBigUint64(this.#at + offset, littleEndian);
  }

  /** A view of bytes in the record. */
  bytes(offset: number, length: number): Buffer {
    return this.#bytes.subarray(this.#at + offset, this.#at + offset + length);
  }

  /** The strings behind the fixed part, which ends at this offset. */
  strings(fixedEnd: number): Buffer {
    const from = this.#at + fixedEnd;
    return this.#bytes.subarray(from, Math.min(this.#end, from + this.half(header.strings)));
  }
}
