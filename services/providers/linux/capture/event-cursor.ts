// Walks over the records of a batch. Fields are decoded when they are asked for, so that an event that is only counted costs no text.
import { commBytes, header, resolvedFlag } from "./event-layout.js";
import { textUntilZero } from "./kernel-text.js";

/** One event at a time: after `next` said true, the fields are those of that event until it is called again. */
export class EventCursor {
  readonly #bytes: Buffer;
  // The kernel's programs write in the machine's byte order, and records and what they have are aligned.
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  #at = 0;
  #end = 0;

  /** The batch begins at a multiple of 8 bytes in its memory. */
  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.#halves = new Uint16Array(buffer, byteOffset, byteLength >> 1);
    this.#words = new Uint32Array(buffer, byteOffset, byteLength >> 2);
    this.#longs = new BigUint64Array(buffer, byteOffset, byteLength >> 3);
  }

  /** False behind the last event. Throws RangeError for a batch that is not whole records. */
  next(): boolean {
    const at = this.#end;
    this.#at = at;
    if (at === this.#bytes.length) return false;
    // A multiple of 8, as is the size of every record before it; without two bytes there the size is undefined, and no size.
    const size = this.#halves[at >> 1] as number;
    if (!(size >= header.end) || (size & 7) !== 0 || at + size > this.#bytes.length) {
      throw new RangeError(`an event of ${size} bytes at ${at} of ${this.#bytes.length}`);
    }
    this.#end = at + size;
    return true;
  }

  /** Offset in the batch behind the event. */
  get end(): number {
    return this.#end;
  }

  get kind(): number {
    return this.#bytes[this.#at + header.kind] as number;
  }

  /** Of the kind's own. */
  get flags(): number {
    return this.#bytes[this.#at + header.flags] as number;
  }

  get isResolved(): boolean {
    return (this.flags & resolvedFlag) !== 0;
  }

  // The header is there as a whole, so that its fields need not be looked for.
  get cpu(): number {
    return this.#halves[(this.#at + header.cpu) >> 1] as number;
  }

  /** Of its CPU. */
  get sequence(): bigint {
    return this.#longs[(this.#at + header.sequence) >> 3] as bigint;
  }

  /** Nanoseconds since boot. */
  get time(): bigint {
    return this.#longs[(this.#at + header.time) >> 3] as bigint;
  }

  /** When its process started, in nanoseconds since boot. */
  get start(): bigint {
    return this.#longs[(this.#at + header.start) >> 3] as bigint;
  }

  get cgroup(): bigint {
    return this.#longs[(this.#at + header.cgroup) >> 3] as bigint;
  }

  get pid(): number {
    return this.#words[(this.#at + header.pid) >> 2] as number;
  }

  get tid(): number {
    return this.#words[(this.#at + header.tid) >> 2] as number;
  }

  get parent(): number {
    return this.#words[(this.#at + header.parent) >> 2] as number;
  }

  get user(): number {
    return this.#words[(this.#at + header.user) >> 2] as number;
  }

  get comm(): string {
    return this.text(header.comm, commBytes);
  }

  /** A field of the kind's own, by its offset in the record, aligned. These throw RangeError for what lies outside of it. */
  half(offset: number): number {
    return this.#halves[this.#within(offset, 2) >> 1] as number;
  }

  word(offset: number): number {
    return this.#words[this.#within(offset, 4) >> 2] as number;
  }

  signedWord(offset: number): number {
    return this.word(offset) | 0;
  }

  long(offset: number): bigint {
    return this.#longs[this.#within(offset, 8) >> 3] as bigint;
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
