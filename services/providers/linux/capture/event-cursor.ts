// Walks over the records of a batch. Fields are decoded when they are asked for, so that an event that is only counted costs no text.
import { commBytes, header, resolvedFlag } from "./event-layout.js";
import { textUntilZero } from "./kernel-text.js";

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
    return this.text(header.comm, commBytes);
  }

  /** A field of the kind's own, by its offset in the record. These throw RangeError for what lies outside of it. */
  half(offset: number): number {
    return this.#view.getUint16(this.#within(offset, 2), littleEndian);
  }

  word(offset: number): number {
    return this.#view.getUint32(this.#within(offset, 4), littleEndian);
  }

  signedWord(offset: number): number {
    return this.#view.getInt32(this.#within(offset, 4), littleEndian);
  }

  long(offset: number): bigint {
    return this.#view.getBigUint64(this.#within(offset, 8), littleEndian);
  }

  /** A view of bytes in the record. */
  bytes(offset: number, length: number): Buffer {
    const from = this.#within(offset, length);
    return this.#bytes.subarray(from, from + length);
  }

  /** A text in so many bytes of the record, or up to a zero among them. */
  text(offset: number, length: number): string {
    const from = this.#within(offset, length);
    return textUntilZero(this.#bytes, from, from + length);
  }

  /** The strings behind the fixed part, which ends at this offset. */
  strings(fixedEnd: number): Buffer {
    const from = this.#within(fixedEnd, 0);
    return this.#bytes.subarray(from, Math.min(this.#end, from + this.half(header.strings)));
  }

  #within(offset: number, length: number): number {
    const at = this.#at + offset;
    if (at + length <= this.#end) return at;
    throw new RangeError(`an event of kind ${this.kind} and ${this.#end - this.#at} bytes has none at ${offset}`);
  }
}
