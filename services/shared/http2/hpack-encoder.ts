// Header blocks (HPACK, RFC 7541) encoded without a table: what a stream says of itself is little and said once.
import type { HeaderField } from "./hpack-decoder.js";

/** Fields in order; names in lower case, `:status` first. */
export function encodeHeaderBlock(fields: Iterable<HeaderField>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) parts.push(Buffer.of(0), encodeText(name), encodeText(value));
  return Buffer.concat(parts);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([encodeLength(bytes.length), bytes]);
}

// An integer with a prefix of seven bits.
function encodeLength(length: number): Buffer {
  if (length < 127) return Buffer.of(length);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.of(...bytes, rest);
}
