// Header blocks (HPACK, RFC 7541) decoded. A decoder belongs to a connection, whose blocks it sees in order.

import { ConnectionViolation, errorCode } from "./frames.js";
import { staticTable } from "./hpack-static-table.js";
import { decodeHuffman } from "./huffman.js";

export type HeaderField = readonly [name: string, value: string];

/** Entries that the peer may refer to, newest first. */
export interface HpackDecoder {
  entries: HeaderField[];
  bytes: number;
  maxBytes: number;
}

// Before it has seen any setting of ours a peer may use so much.
const defaultTableBytes = 4_096;
const entryOverhead = 32;

export function createHpackDecoder(): HpackDecoder {
  return { entries: [], bytes: 0, maxBytes: defaultTableBytes };
}

/** The fields of a whole block, in order. Throws a ConnectionViolation when it is not one. */
export function decodeHeaderBlock(decoder: HpackDecoder, block: Uint8Array): HeaderField[] {
  const fields: HeaderField[] = [];
  const cursor = { block, position: 0 };
  while (cursor.position < block.length) {
    const first = block[cursor.position] as number;
    if (first >= 0x80) fields.push(entryAt(decoder, readInteger(cursor, 7)));
    else if (first >= 0x40) fields.push(remember(decoder, readLiteral(decoder, cursor, 6)));
    else if (first >= 0x20) resize(decoder, readInteger(cursor, 5));
    else fields.push(readLiteral(decoder, cursor, 4));
  }
  return fields;
}

interface BlockCursor {
  readonly block: Uint8Array;
  position: number;
}

function readLiteral(decoder: HpackDecoder, cursor: BlockCursor, prefixBits: number): HeaderField {
  const index = readInteger(cursor, prefixBits);
  const name = index === 0 ? readText(cursor) : entryAt(decoder, index)[0];
  return [name, readText(cursor)];
}

function readInteger(cursor: BlockCursor, prefixBits: number): number {
  const mask = 2 ** prefixBits - 1;
  let value = nextByte(cursor) & mask;
  if (value < mask) return value;
  for (let shift = 0; shift <= 21; shift += 7) {
    const byte = nextByte(cursor);
    value += (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw malformed("an integer is too large");
}

function readText(cursor: BlockCursor): string {
  const isHuffman = ((cursor.block[cursor.position] ?? 0) & 0x80) !== 0;
  const length = readInteger(cursor, 7);
  const end = cursor.position + length;
  if (end > cursor.block.length) throw malformed("a text is cut short");
  const bytes = cursor.block.subarray(cursor.position, end);
  cursor.position = end;
  const text = isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes).toString("latin1");
  if (text === undefined) throw malformed("a text is not Huffman-coded as it says");
  return text;
}

function nextByte(cursor: BlockCursor): number {
  const byte = cursor.block[cursor.position++];
  if (byte === undefined) throw malformed("it is cut short");
  return byte;
}

function entryAt(decoder: HpackDecoder, index: number): HeaderField {
  const entry = staticTable[index - 1] ?? decoder.entries[index - 1 - staticTable.length];
  if (!entry) throw malformed(`there is no entry ${index}`);
  return entry;
}

function remember(decoder: HpackDecoder, field: HeaderField): HeaderField {
  decoder.entries.unshift(field);
  decoder.bytes += sizeOf(field);
  evict(decoder);
  return field;
}

function resize(decoder: HpackDecoder, maxBytes: number): void {
  if (maxBytes > defaultTableBytes) throw malformed(`a table of ${maxBytes} bytes is wanted`);
  decoder.maxBytes = maxBytes;
  evict(decoder);
}

function evict(decoder: HpackDecoder): void {
  while (decoder.bytes > decoder.maxBytes) decoder.bytes -= sizeOf(decoder.entries.pop() as HeaderField);
}

function sizeOf([name, value]: HeaderField): number {
  return name.length + value.length + entryOverhead;
}

function malformed(what: string): ConnectionViolation {
  return new ConnectionViolation(errorCode.compressionError, `a header block cannot be read: ${what}`);
}
