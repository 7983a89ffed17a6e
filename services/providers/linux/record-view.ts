// How the addon's packed records are read. The layout is native/common/record_layout.hh.

/** What lies before the first record. */
export const headerBytes = 16;

/** Words are in the machine's byte order, which is little-endian wherever Node runs but on s390x and AIX. */
export const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Numbers up to 2^53 of a 64-bit field; a BigInt on the way would cost more than all the rest. */
export function readWord(view: DataView, at: number): number {
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? second * 2 ** 32 + first : first * 2 ** 32 + second;
}
