// Header blocks: what encoders write is read, and garbage is refused, never crashed on.
import fc from "fast-check";
import { expect, test } from "vitest";
import { ConnectionViolation } from "../../../services/shared/http2/frames.js";
import {
  createHpackDecoder,
  decodeHeaderBlock,
  type HeaderField,
} from "../../../services/shared/http2/hpack-decoder.js";
import { encodeHeaderBlock } from "../../../services/shared/http2/hpack-encoder.js";
import { decodeHuffman } from "../../../services/shared/http2/huffman.js";

const field = fc.tuple(fc.stringMatching(/^[a-z-]{1,20}$/), fc.stringMatching(/^[\x20-\x7e]{0,300}$/));

test("property: what the encoder writes is read", () => {
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      expect(decodeHeaderBlock(createHpackDecoder(), encodeHeaderBlock(fields))).toEqual(fields);
    }),
  );
});

// RFC 7541 appendix C.4 and C.6: requests with Huffman codes on one connection, each referring to the ones before.
test("requests that refer to earlier ones are read as the RFC says", () => {
  const decoder = createHpackDecoder();
  const read = (hex: string) => decodeHeaderBlock(decoder, Buffer.from(hex, "hex"));
  const common: HeaderField[] = [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
  ];
  expect(read("828684418cf1e3c2e5f23a6ba0ab90f4ff")).toEqual(common);
  expect(read("828684be5886a8eb10649cbf")).toEqual([...common, ["cache-control", "no-cache"]]);
  expect(read("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")).toEqual([
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ]);
});

test.each<[string, string]>([
  ["index 0", "80"],
  ["an index that is not there", "fe"],
  ["a literal cut short", "400a63757374"],
  ["an integer without end", "ffffffffffffff"],
  ["a table larger than allowed", "3fe2ff03"],
  ["Huffman padding of a whole byte", "4002612d82ffff"],
  ["Huffman padding with zeros", "400161810000"],
])("%s is refused", (_, hex) => {
  expect(() => decodeHeaderBlock(createHpackDecoder(), Buffer.from(hex, "hex"))).toThrow(ConnectionViolation);
});

test("property: random blocks are read or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (block) => {
      const decoder = createHpackDecoder();
      try {
        decodeHeaderBlock(decoder, block);
      } catch (error) {
        expect(error).toBeInstanceOf(ConnectionViolation);
      }
      expect(decoder.bytes).toBeLessThanOrEqual(4_096);
    }),
    { numRuns: 2_000 },
  );
});

test("Huffman codes are those of the RFC", () => {
  expect(decodeHuffman(Buffer.from("f1e3c2e5f23a6ba0ab90f4ff", "hex"))).toBe("www.example.com");
  expect(decodeHuffman(Buffer.from("d07abe941054d444a8200595040b8166e082a62d1bff", "hex"))).toBe(
    "Mon, 21 Oct 2013 20:13:21 GMT",
  );
  expect(decodeHuffman(Buffer.from("9d29ad171863c78f0b97c8e9ae82ae43d3", "hex"))).toBe("https://www.example.com");
});
