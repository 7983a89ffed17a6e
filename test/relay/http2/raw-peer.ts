// A peer that says any HTTP/2 bytes a test wants, and shows the frames that come back.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createFrameReader, encodeHttp2Frame, frameType, readFrames } from "../../../services/shared/http2/frames.js";
import { encodeHeaderBlock } from "../../../services/shared/http2/hpack-encoder.js";
import { waitFor } from "../../shared/wait-for.js";
import { attachPath } from "../raw-client.js";

export interface ShownFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export interface RawPeer {
  readonly socket: Socket;
  readonly frames: ShownFrame[];
  readonly closed: Promise<unknown>;
  write(...bytes: Uint8Array[]): void;
  /** Waits for a frame of this type. */
  frame(type: number): Promise<ShownFrame>;
}

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const emptySettings = encodeHttp2Frame(frameType.settings, 0, 0);

/** The header block of an Attach request. */
export const attachHeaders = encodeHeaderBlock([
  [":method", "POST"],
  [":scheme", "http"],
  [":path", attachPath],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
]);

/** Connects; nothing is said. */
export async function openRawPeer(url: string): Promise<RawPeer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const frames: ShownFrame[] = [];
  const reader = createFrameReader();
  socket.on("data", (chunk) =>
    readFrames(reader, chunk, (type, flags, streamId, payload) => frames.push({ type, flags, streamId, payload })),
  );
  // A server that had enough may reset the connection; the tests look at what it said before.
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  await once(socket, "connect");
  return {
    socket,
    frames,
    closed,
    write: (...bytes) => void socket.write(Buffer.concat(bytes)),
    async frame(type) {
      await waitFor(() => frames.some((frame) => frame.type === type), `a frame of type ${type}`);
      return frames.find((frame) => frame.type === type) as ShownFrame;
    },
  };
}
