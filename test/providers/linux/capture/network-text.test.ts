// Addresses and names of DNS as text, from bytes that other hosts may have made up.
import { expect, test } from "vitest";
import { decodeQuestion } from "../../../../services/providers/linux/capture/decode-question.js";
import { formatAddress, parseNetwork } from "../../../../services/providers/linux/capture/network-address.js";

test.each([
  ["00000000000000000000ffffc0000201", "192.0.2.1"],
  ["00000000000000000000ffff00000000", "0.0.0.0"],
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["fe800000000000000000000000000000", "fe80::"],
  ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
  ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
  ["20010db8000100020003000400050006", "2001:db8:1:2:3:4:5:6"],
  // Of two runs of zeros the longer one is left out, of equal ones the first.
  ["20010000000000000001000000000001", "2001::1:0:0:1"],
  ["20010000000000010000000000000001", "2001:0:0:1::1"],
])("address %s is %s", (hex, expected) => expect(formatAddress(Buffer.from(hex, "hex"))).toBe(expected));

test.each([
  ["10.0.0.0/8", { address: "10.0.0.0", bits: 8 }],
  ["0.0.0.0/0", { address: "0.0.0.0", bits: 0 }],
  ["192.0.2.1", { address: "192.0.2.1", bits: 32 }],
  ["2001:db8::/32", { address: "2001:db8::", bits: 32 }],
  ["::1", { address: "::1", bits: 128 }],
])("network %s", (text, expected) => expect(parseNetwork(text)).toEqual(expected));

const label = (text: string) => `${String.fromCharCode(text.length)}${text}`;
const longest = "x".repeat(63);

test.each([
  ["a name", `${label("www")}${label("example")}\0\0\x01\0\x01`, "www.example", "A", false],
  ["the root", "\0\0\x02\0\x01", "", "NS", false],
  ["a type without a name", `${label("a")}\0\xff\xf0\0\x01`, "a", "TYPE65520", false],
  [
    "labels as long as can be",
    `${label(longest)}${label(longest)}\0\0\x1c\0\x01`,
    `${longest}.${longest}`,
    "AAAA",
    false,
  ],
  ["what follows the question", `${label("a")}\0\0\x01\0\x01\xc0\x0c`, "a", "A", false],
  [
    "bytes that are no plain text",
    `${label("a.b\\\x1b[\n \xff")}\0\0\x01\0\x01`,
    "a\\046b\\092\\027[\\010\\032\\255",
    "A",
    false,
  ],
  ["no byte", "", "", "", true],
  ["a label that is cut", "\x05abc", "abc", "", true],
  ["a name without an end", label("abc"), "abc", "", true],
  ["a type that is cut", `${label("abc")}\0\0`, "abc", "", true],
  ["a pointer", "\xc0\x0c\0\x01\0\x01", "", "", true],
  ["a label of 64 bytes", `\x40${"x".repeat(64)}\0\0\x01\0\x01`, "", "", true],
])("question with %s", (_what, bytes, name, type, isCut) => {
  expect(decodeQuestion(Buffer.from(bytes, "latin1"))).toEqual({ name, type, isCut });
});
