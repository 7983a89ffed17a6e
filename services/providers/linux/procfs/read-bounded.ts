// Files of /proc, which tell no size: node's readFile takes 64 KiB for each, thousands of times a walk.
import { type FileHandle, open } from "node:fs/promises";

// Small enough to come from Node's buffer pool; nearly every file of a process fits.
const firstChunkBytes = 2048;
const chunkBytes = 64 * 1024;

/** The first `limit` bytes of a file, and how many more there were. */
export async function readBounded(path: string, limit: number): Promise<{ bytes: Buffer; cutBytes: number }> {
  const file = await open(path, "r");
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    for (let size = firstChunkBytes; ; size = chunkBytes) {
      const chunk = await readChunk(file, Buffer.allocUnsafe(size));
      if (total < limit) chunks.push(chunk.subarray(0, limit - total));
      total += chunk.length;
      if (chunk.length < size) break;
    }
    const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    return { bytes, cutBytes: Math.max(total - limit, 0) };
  } finally {
    await file.close();
  }
}

/** Fills the buffer, or as much of it as the file has. */
async function readChunk(file: FileHandle, buffer: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
