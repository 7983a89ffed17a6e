// Data on its way to one stream or to thousands.
import { encodeHttp2Frame, frameType } from "./frames.js";

export interface OutgoingData {
  readonly parts: readonly Uint8Array[];
  /** Of all parts. */
  readonly bytes: number;
  /** The whole DATA frame for the streams with this id, when one was made. */
  frame: Buffer | undefined;
  frameStreamId: number;
}

export function createOutgoingData(...parts: readonly Uint8Array[]): OutgoingData {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  return { parts, bytes, frame: undefined, frameStreamId: 0 };
}

/**
 * The data as one DATA frame, to be read only: it is made once for all streams of one id, and daemons use the first stream of their
 * connections. A frame of its own for each would be most of what a relay allocates for a command.
 */
export function dataFrame(data: OutgoingData, streamId: number): Buffer {
  if (data.frame && data.frameStreamId === streamId) return data.frame;
  data.frame = encodeHttp2Frame(frameType.data, 0, streamId, ...data.parts);
  data.frameStreamId = streamId;
  return data.frame;
}
