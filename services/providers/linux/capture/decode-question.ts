// The first question of a DNS message, from its bytes on the wire. Other hosts wrote them: anything may be there.

export interface DnsQuestion {
  /** With dots between labels and none at the end; a byte of a label that is no plain character is \DDD. */
  readonly name: string;
  /** A, AAAA …, or TYPE and a number. */
  readonly type: string;
  /** The question is not whole: longer than there was room for, or not as it should be. */
  readonly isCut: boolean;
}

const types: Readonly<Record<number, string>> = {
  1: "A",
  2: "NS",
  5: "CNAME",
  6: "SOA",
  12: "PTR",
  15: "MX",
  16: "TXT",
  28: "AAAA",
  33: "SRV",
  35: "NAPTR",
  43: "DS",
  48: "DNSKEY",
  64: "SVCB",
  65: "HTTPS",
  255: "ANY",
  257: "CAA",
};

const maxLabelBytes = 63;

export function decodeQuestion(bytes: Buffer): DnsQuestion {
  const labels: string[] = [];
  let at = 0;
  for (;;) {
    const length = bytes[at];
    // A pointer makes no sense in the first name of a message.
    if (length === undefined || length > maxLabelBytes) break;
    at++;
    if (length === 0) return { name: labels.join("."), ...decodeType(bytes, at) };
    labels.push(formatLabel(bytes.subarray(at, at + length)));
    at += length;
  }
  return { name: labels.join("."), type: "", isCut: true };
}

function decodeType(bytes: Buffer, at: number): Pick<DnsQuestion, "type" | "isCut"> {
  if (at + 2 > bytes.length) return { type: "", isCut: true };
  const number = bytes.readUInt16BE(at);
  return { type: types[number] ?? `TYPE${number}`, isCut: false };
}

function formatLabel(bytes: Buffer): string {
  return Array.from(bytes, formatByte).join("");
}

// As in master files (RFC 4343): a dot or a backslash in a label is not the one between labels.
function formatByte(byte: number): string {
  const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c;
  return isPlain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
}
