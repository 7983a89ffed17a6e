// Reads the fields of one message where the generated decoder would be most of the work: on the way of every reply.
// A message that it does not understand to the last byte is `undefined`, and then the generated decoder's business.

/** Fields as they lie in the message: a value when it is a varint, a place when it is bytes. Valid until the reader reads again. */
export interface WireFields {
  /** By field number: a varint's value, or where the bytes begin. */
  readonly starts: readonly (number | undefined)[];
  /** By field number: where the bytes end. */
  readonly ends: readonly (number | undefined)[];
}

/** Field numbers of a message by wire type; all below 32. */
export interface WireShape {
  readonly varints: readonly number[];
  readonly bytes: readonly number[];
}

interface WireCursor {
  readonly bytes: Uint8Array;
  position: number;
}

const varintType = 0;
const bytesType = 2;
const invalid = -1;

/** Makes a reader for messages that have fields of this shape only, each at most once. */
export function createWireReader(shape: WireShape) {
  const varintTags = new Set(shape.varints.map((field) => (field << 3) | varintType));
  const bytesTags = new Set(shape.bytes.map((field) => (field << 3) | bytesType));
  const fields = Math.max(...shape.varints, ...shape.bytes) + 1;
  // The same for every message: they would be most of what a reply leaves to the garbage collector.
  const starts = new Array<number | undefined>(fields).fill(undefined);
  const ends = new Array<number | undefined>(fields).fill(undefined);
  const read: WireFields = { starts, ends };
  return (bytes: Uint8Array, start: number, end: number): WireFields | undefined => {
    starts.fill(undefined);
    ends.fill(undefined);
    const cursor = { bytes, position: start };
    while (cursor.position < end) {
      const tag = readVarint(cursor, end);
      const isBytes = bytesTags.has(tag);
      if (!(isBytes || varintTags.has(tag)) || starts[tag >>> 3] !== undefined) return undefined;
      const value = isBytes ? stepOverBytes(cursor, end) : readVarint(cursor, end);
      if (value === invalid) return undefined;
      starts[tag >>> 3] = value;
      ends[tag >>> 3] = cursor.position;
    }
    return read;
  };
}

// The next varint; invalid when it is cut short or too large to be exact.
function readVarint(cursor: WireCursor, end: number): number {
  let value = 0;
  for (let weight = 1; cursor.position < end && weight <= Number.MAX_SAFE_INTEGER; weight *= 0x80) {
    const byte = cursor.bytes[cursor.position++] as number;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : invalid;
  }
  return invalid;
}

// Where a field of bytes begins; it ends at the cursor.
function stepOverBytes(cursor: WireCursor, end: number): number {
  const length = readVarint(cursor, end);
  const start = cursor.position;
  if (length === invalid || length > end - start) return invalid;
  cursor.position = start + length;
  return start;
}
