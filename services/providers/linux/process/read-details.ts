// One process in depth. Each part is read by itself; a part that cannot be read is named, and the others are still answered.
import { readFile, readlink } from "node:fs/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  OpenFileSchema,
  ProcessDetailsSchema,
  ThreadSchema,
} from "../../../gen/systemsmanager/telemetry/v1/process_pb.js";
import { mapLimited } from "../../../shared/map-limited.js";
import { parseEnvironmentNames } from "../procfs/parse-cmdline.js";
import { parseStat } from "../procfs/parse-stat.js";
import { describeErrno, isVanished } from "../procfs/proc-error.js";
import type { RawProcess } from "../procfs/proc-source.js";
import { listNumbers } from "../procfs/procfs-source.js";
import { readBounded } from "../procfs/read-bounded.js";
import { cpuSeconds, processState } from "./describe-process.js";
import { parseCgroup } from "./parse-cgroup.js";
import { parseMaps, parseProportionalSetSize } from "./parse-maps.js";

/** The parts that the process list does not have. */
export type ProcessParts = Omit<MessageInitShape<typeof ProcessDetailsSchema>, "$typeName" | "process" | "ancestry"> & {
  unavailable: string[];
};

const concurrency = 8;
const maxEnvironmentBytes = 1024 * 1024;

/** Reads every part of a process, with at most `limit` threads, maps and open files. */
export async function readProcessParts(process: RawProcess, limit: number): Promise<ProcessParts> {
  const folder = `/proc/${process.pid}`;
  const unavailable: string[] = [];
  // A zombie and a kernel thread have no memory, files or executable: nothing is there, which is not "unavailable".
  const hasMemory = process.argv.length > 0 || process.residentBytes > 0;
  const attempt = async <Part>(name: string, none: Part, read: () => Promise<Part>): Promise<Part> => {
    try {
      return await read();
    } catch (error) {
      if (!(isVanished(error) && !hasMemory)) unavailable.push(`${name}: ${describeErrno(error)}`);
      return none;
    }
  };
  const [threads, maps, files, environmentNames, executable, workingDirectory, cgroup, pssBytes] = await Promise.all([
    attempt("threads", { threads: [], count: 0 }, () => readThreads(folder, limit)),
    attempt("memory_maps", { maps: [], count: 0 }, async () =>
      parseMaps(await readFile(`${folder}/maps`, "utf8"), limit),
    ),
    attempt("open_files", { files: [], count: 0 }, () => readOpenFiles(folder, limit)),
    attempt("environment_names", [], () => readEnvironmentNames(folder)),
    attempt("executable", "", () => readlink(`${folder}/exe`)),
    attempt("working_directory", "", () => readlink(`${folder}/cwd`)),
    attempt("cgroup", "", async () => parseCgroup(await readFile(`${folder}/cgroup`, "utf8"))),
    attempt("pss_bytes", 0n, () => readProportionalSetSize(folder)),
  ]);
  return {
    threads: threads.threads,
    threadCount: threads.count,
    memoryMaps: maps.maps,
    memoryMapCount: maps.count,
    openFiles: files.files,
    openFileCount: files.count,
    environmentNames,
    executable,
    workingDirectory,
    cgroup,
    pssBytes,
    unavailable: unavailable.sort(),
  };
}

async function readThreads(folder: string, limit: number) {
  const ids = await listNumbers(`${folder}/task`);
  const threads = await mapLimited(ids.slice(0, limit), concurrency, (id) => readThread(`${folder}/task/${id}/stat`));
  return { threads: threads.filter((thread) => thread !== undefined), count: ids.length };
}

async function readThread(path: string): Promise<MessageInitShape<typeof ThreadSchema> | undefined> {
  const stat = parseStat(await readOr(readFile(path), Buffer.alloc(0)));
  return stat && { tid: stat.pid, name: stat.name, state: processState(stat.state), cpuSeconds: cpuSeconds(stat) };
}

async function readOpenFiles(folder: string, limit: number) {
  const descriptors = await listNumbers(`${folder}/fd`);
  const files = await mapLimited(
    descriptors.slice(0, limit),
    concurrency,
    async (fd): Promise<MessageInitShape<typeof OpenFileSchema> | undefined> => {
      const target = await readOr(readlink(`${folder}/fd/${fd}`), undefined);
      return target === undefined ? undefined : { fd, target };
    },
  );
  return { files: files.filter((file) => file !== undefined), count: descriptors.length };
}

/** What a read gives, or `none` for a thread or descriptor that went away after it was listed. */
async function readOr<Value, None>(read: Promise<Value>, none: None): Promise<Value | None> {
  try {
    return await read;
  } catch (error) {
    if (isVanished(error)) return none;
    throw error;
  }
}

async function readEnvironmentNames(folder: string): Promise<string[]> {
  const { bytes, cutBytes } = await readBounded(`${folder}/environ`, maxEnvironmentBytes);
  if (cutBytes > 0) throw new Error(`larger than ${maxEnvironmentBytes} bytes`);
  return parseEnvironmentNames(bytes);
}

async function readProportionalSetSize(folder: string): Promise<bigint> {
  return parseProportionalSetSize(await readFile(`${folder}/smaps_rollup`, "latin1"));
}
