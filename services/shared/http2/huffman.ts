// The Huffman code of HPACK (RFC 7541 appendix B). It is canonical: the lengths of its codes say everything.

const endOfString = 256;

// Length of each symbol's code, in bits, by symbol.
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

interface CodesOfLength {
  /** Smallest code of this length. */
  readonly first: number;
  /** Symbols in the order of their codes. */
  readonly symbols: readonly number[];
}

const longestCode = 30;
const codes = orderCodes();

/** The text that these bytes stand for, or undefined when they are not a whole number of codes and a padding. */
export function decodeHuffman(bytes: Uint8Array): string | undefined {
  const decoded: number[] = [];
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      length++;
      const symbol = symbolOf(code, length);
      if (symbol === undefined) {
        if (length > longestCode) return undefined;
        continue;
      }
      if (symbol === endOfString) return undefined;
      decoded.push(symbol);
      code = 0;
      length = 0;
    }
  }
  // The padding is the beginning of the end-of-string code: ones only, less than a byte.
  return length < 8 && code === 2 ** length - 1 ? String.fromCharCode(...decoded) : undefined;
}

function symbolOf(code: number, length: number): number | undefined {
  const ofLength = codes[length];
  return ofLength?.symbols[code - ofLength.first];
}

function orderCodes(): (CodesOfLength | undefined)[] {
  const byLength: (CodesOfLength | undefined)[] = [];
  let next = 0;
  for (let length = 1; length <= longestCode; length++) {
    const symbols = codeLengths.flatMap((each, symbol) => (each === length ? [symbol] : []));
    next *= 2;
    byLength[length] = { first: next, symbols };
    next += symbols.length;
  }
  return byLength;
}
