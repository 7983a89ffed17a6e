// A named pipe for what a program writes to a file that it opens itself. It cannot open its own output by name, which is a socket here.
import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { runProgram } from "../run-program.js";

const timeoutMs = 5_000;

export interface NamedPipe {
  readonly path: string;
  /** Begins to read, once the writer has opened it. Ends with the writer. */
  read(): Readable;
  /** Takes the name away, and closes what nobody began to read. A writer and a reader that have it open keep it. */
  close(): Promise<void>;
}

/** Makes one that only this user can open. */
export async function makeNamedPipe(): Promise<NamedPipe> {
  const directory = await mkdtemp(join(tmpdir(), "systems-manager-"));
  const path = join(directory, "output");
  const removeName = () => rm(directory, { recursive: true, force: true });
  try {
    await runProgram("mkfifo", ["--mode=600", path], { signal: AbortSignal.timeout(timeoutMs) });
    // Otherwise opening would wait for the writer.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return namedPipe(path, fd, removeName);
  } catch (error) {
    await removeName();
    throw error;
  }
}

function namedPipe(path: string, fd: number, removeName: () => Promise<void>): NamedPipe {
  let reader: Readable | undefined;
  return {
    path,
    read() {
      reader ??= new Socket({ fd, readable: true, writable: false });
      return reader;
    },
    async close() {
      if (!reader) closeSync(fd);
      await removeName();
    },
  };
}
