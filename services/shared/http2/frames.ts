// Frames of HTTP/2 (RFC 9113 §4 and §6) in bytes.

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const frameFlag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const setting = {
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

export const errorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

/** Largest payload that this side takes, and that any peer takes. */
export const maxFrameBytes = 16_384;

const headerBytes = 9;
const noPayload = Buffer.alloc(0);

/** What a peer did that ends its connection with this error code. */
export class ConnectionViolation extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** A whole frame in one buffer; the payload may come in parts. */
export function encodeHttp2Frame(
  type: number,
  flags: number,
  streamId: number,
  ...payload: readonly Uint8Array[]
): Buffer {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  const frame = Buffer.allocUnsafe(headerBytes + length);
  frame.writeUIntBE(length, 0, 3);
  frame[3] = type;
  frame[4] = flags;
  frame.writeUInt32BE(streamId, 5);
  let position = headerBytes;
  for (const part of payload) {
    frame.set(part, position);
    position += part.length;
  }
  return frame;
}

/** A frame whose payload is one 32-bit number: WINDOW_UPDATE, RST_STREAM. */
export function encodeNumberFrame(type: number, streamId: number, value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return encodeHttp2Frame(type, 0, streamId, payload);
}

/** A SETTINGS frame with these values by identifier. */
export function encodeSettings(values: ReadonlyMap<number, number>): Buffer {
  const payload = Buffer.alloc(6 * values.size);
  let position = 0;
  for (const [identifier, value] of values) {
    payload.writeUInt16BE(identifier, position);
    payload.writeUInt32BE(value, position + 2);
    position += 6;
  }
  return encodeHttp2Frame(frameType.settings, 0, 0, payload);
}

/** A GOAWAY frame; the peer may show the words to people. */
export function encodeGoAway(lastStreamId: number, code: number, words: string): Buffer {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(lastStreamId);
  numbers.writeUInt32BE(code, 4);
  return encodeHttp2Frame(frameType.goAway, 0, 0, numbers, Buffer.from(words));
}

/** Takes one frame. The payload is a view that is valid as long as it is referenced. */
export type FrameHandler = (type: number, flags: number, streamId: number, payload: Buffer) => void;

/** Bytes that are not a whole frame yet. */
export interface FrameReader {
  rest: Buffer;
}

export function createFrameReader(): FrameReader {
  return { rest: noPayload };
}

/** Hands on each whole frame, in order. Throws a ConnectionViolation for one that is too large. */
export function readFrames(reader: FrameReader, chunk: Buffer, onFrame: FrameHandler): void {
  const bytes = reader.rest.length === 0 ? chunk : Buffer.concat([reader.rest, chunk]);
  reader.rest = noPayload;
  let position = 0;
  while (bytes.length - position >= headerBytes) {
    const length = bytes.readUIntBE(position, 3);
    if (length > maxFrameBytes) {
      throw new ConnectionViolation(errorCode.frameSizeError, `a frame of ${length} bytes was announced`);
    }
    const start = position + headerBytes;
    const end = start + length;
    if (bytes.length < end) break;
    const streamId = bytes.readUInt32BE(position + 5) & 0x7fff_ffff;
    onFrame(bytes[position + 3] as number, bytes[position + 4] as number, streamId, bytes.subarray(start, end));
    position = end;
  }
  if (position === bytes.length) return;
  const rest = bytes.subarray(position);
  // A copy, so that a few bytes do not keep a large chunk.
  reader.rest = rest.length < chunk.length / 2 ? Buffer.from(rest) : rest;
}
