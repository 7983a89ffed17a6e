// gRPC message framing by hand, for the one stream that carries everything between relay and daemon: one flag byte, the
// length in four bytes, the message.
import { ErrorReason, failure } from "./errors.js";

/** What goes before each message. */
export const prefixBytes = 5;

/** The five bytes that go before a message of this length. */
export function framePrefix(messageBytes: number): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  writeFramePrefix(prefix, 0, messageBytes);
  return prefix;
}

/** As framePrefix, in place. */
export function writeFramePrefix(bytes: Buffer, position: number, messageBytes: number): void {
  bytes[position] = 0;
  bytes.writeUInt32BE(messageBytes, position + 1);
}

/** A whole frame in one buffer. */
export function encodeFrame(message: Uint8Array): Buffer {
  return Buffer.concat([framePrefix(message.length), message]);
}

export interface FrameDecoder {
  /** Takes the next bytes of the stream. Throws TOO_LARGE, UNSUPPORTED (compression) or MALFORMED_ENVELOPE; the stream is then lost. */
  push(chunk: Buffer): void;
  /** Throws MALFORMED_ENVELOPE when the stream ended within a frame. */
  end(): void;
}

/** Calls onMessage for each message, in order. A message is a view that is valid as long as it is referenced. */
export function createFrameDecoder(maxBytes: number, onMessage: (message: Buffer) => void): FrameDecoder {
  const chunks: Buffer[] = [];
  let available = 0;
  let wanted = prefixBytes;

  function joined(): Buffer {
    const [only] = chunks;
    return chunks.length === 1 && only ? only : Buffer.concat(chunks, available);
  }

  function drain() {
    const bytes = joined();
    let position = 0;
    wanted = prefixBytes;
    while (bytes.length - position >= prefixBytes) {
      const start = position + prefixBytes;
      const end = start + messageLength(bytes, position, maxBytes);
      if (bytes.length < end) {
        wanted = end - position;
        break;
      }
      onMessage(bytes.subarray(start, end));
      position = end;
    }
    chunks.length = 0;
    available = bytes.length - position;
    if (available > 0) chunks.push(bytes.subarray(position));
  }

  return {
    push(chunk) {
      chunks.push(chunk);
      available += chunk.length;
      if (available >= wanted) drain();
    },
    end() {
      if (available > 0) throw malformed(`the stream ended within a message, ${available} bytes into it`);
    },
  };
}

function messageLength(bytes: Buffer, position: number, maxBytes: number): number {
  const flags = bytes.readUInt8(position);
  if (flags > 1) throw malformed(`the first byte of a message prefix is ${flags}, not 0 or 1`);
  const length = bytes.readUInt32BE(position + 1);
  if (length > maxBytes) {
    throw failure(ErrorReason.TOO_LARGE, `a message of ${length} bytes was announced, at most ${maxBytes} are taken`, {
      metadata: { bytes: String(length), limit: String(maxBytes) },
      remedy: "send less in one message",
    });
  }
  if (flags === 0) return length;
  throw failure(ErrorReason.UNSUPPORTED, "a message is compressed", {
    metadata: { operation: "compression", needs: "identity encoding" },
    remedy: "attach without compression",
  });
}

function malformed(detail: string) {
  return failure(ErrorReason.MALFORMED_ENVELOPE, `not gRPC framing: ${detail}`, {
    metadata: { detail },
    remedy: "attach with a gRPC client",
  });
}
