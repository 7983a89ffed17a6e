// The native addon: loads it and decodes its packed records. The layout is native/common/record_layout.hh.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { findPackageRoot } from "../../shared/package-root.js";
import { parseCommandLine } from "./procfs/parse-cmdline.js";
import type { ProcessTable, ProcSource, RawProcess, SocketDescriptor, SocketTable } from "./procfs/proc-source.js";
import { headerBytes, littleEndian, readWord } from "./record-view.js";
import { decodeInetSockets } from "./socket/decode-inet.js";
import { SocketProtocol } from "./socket/raw-socket.js";

/** Both functions work on a thread of their own and reject with an errno. */
interface NativeReader {
  readProcesses(pids?: Uint32Array): Promise<ArrayBuffer>;
  /** Of these inodes at least. */
  readSocketHolders(inodes?: Uint32Array): Promise<ArrayBuffer>;
}

/** The iterators also read the kernel's tables of sockets, for a port or, by 0, whole. */
interface IteratorReader extends NativeReader {
  readTcpSockets(port: number): Promise<ArrayBuffer>;
  readUdpSockets(port: number): Promise<ArrayBuffer>;
}

/** What the addon exports. */
interface NativeAddon extends NativeReader {
  readonly layoutVersion: number;
  /** Loads the iterators, in some tens of milliseconds; absent from an addon built without clang, bpftool or libbpf. Throws with an errno. */
  openIterators?(): IteratorReader;
}

const layoutVersion = 2;
const processFixedBytes = 72;
const socketBytes = 16;

/** Where `cmake-js compile` puts the addon. */
export function builtAddonPath(): string {
  return fileURLToPath(new URL("build/Release/systems_manager_native.node", findPackageRoot()));
}

/** A source, or why there is none. */
type Loaded = { readonly source: ProcSource } | { readonly reason: string };

/** The source on the addon's walk of /proc. */
export function loadNativeSource(path?: string): Loaded {
  const loaded = loadAddon(path);
  return "reason" in loaded ? loaded : { source: createSource("native", loaded.addon) };
}

/** The source on the kernel's iterators, found out by loading them. */
export function loadIteratorSource(path?: string): Loaded {
  const loaded = loadAddon(path);
  if ("reason" in loaded) return loaded;
  if (!loaded.addon.openIterators) return { reason: "the addon was built without clang, bpftool or libbpf-dev" };
  try {
    return { source: createIteratorSource(loaded.addon.openIterators()) };
  } catch (error) {
    return { reason: firstLine(error) };
  }
}

function loadAddon(path = builtAddonPath()): { readonly addon: NativeAddon } | { readonly reason: string } {
  try {
    const addon: NativeAddon = createRequire(import.meta.url)(path);
    if (addon.layoutVersion === layoutVersion) return { addon };
    return { reason: `it has record layout ${addon.layoutVersion} and this version needs ${layoutVersion}: ${path}` };
  } catch (error) {
    return { reason: firstLine(error) };
  }
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n")[0] as string) : String(error);
}

function createSource(backend: ProcSource["backend"], reader: NativeReader): ProcSource {
  return {
    backend,
    readProcesses: async (pids) => decodeProcesses(await reader.readProcesses(pids && Uint32Array.from(pids))),
    readSocketHolders: async (inodes) =>
      decodeSocketHolders(await reader.readSocketHolders(inodes && Uint32Array.from(inodes))),
  };
}

function createIteratorSource(reader: IteratorReader): ProcSource {
  return {
    ...createSource("iterators", reader),
    readTcpSockets: async (port) => decodeInetSockets(await reader.readTcpSockets(port), SocketProtocol.TCP),
    readUdpSockets: async (port) => decodeInetSockets(await reader.readUdpSockets(port), SocketProtocol.UDP),
  };
}

/** Decodes process records; their text stays packed until it is asked for. */
export function decodeProcesses(buffer: ArrayBuffer): ProcessTable {
  const view = new DataView(buffer);
  const text = Buffer.from(buffer);
  const count = view.getUint32(4, littleEndian);
  const processes: RawProcess[] = [];
  for (let index = 0, at = headerBytes; index < count; index++) {
    processes.push(new PackedProcess(view, text, at));
    at += view.getUint32(at, littleEndian);
  }
  return { processes, unseenCount: view.getUint32(8, littleEndian) };
}

class PackedProcess implements RawProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly userId: number;
  readonly state: string;
  readonly threadCount: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly startTicks: number;
  readonly residentBytes: number;
  readonly #view: DataView;
  readonly #text: Buffer;
  readonly #at: number;

  constructor(view: DataView, text: Buffer, at: number) {
    this.pid = view.getUint32(at + 4, littleEndian);
    this.parentPid = view.getUint32(at + 8, littleEndian);
    this.userId = view.getUint32(at + 12, littleEndian);
    this.state = String.fromCharCode(view.getUint32(at + 16, littleEndian));
    this.threadCount = view.getUint32(at + 20, littleEndian);
    this.userTicks = readWord(view, at + 32);
    this.systemTicks = readWord(view, at + 40);
    this.startTicks = readWord(view, at + 48);
    this.residentBytes = readWord(view, at + 56);
    this.#view = view;
    this.#text = text;
    this.#at = at;
  }

  get name(): string {
    return this.#text.toString("utf8", this.#nameAt, this.#argvAt);
  }

  get argv(): string[] {
    const length = this.#view.getUint32(this.#at + 24, littleEndian);
    const text = this.#text.toString("utf8", this.#argvAt, this.#argvAt + length);
    return parseCommandLine(text, readWord(this.#view, this.#at + 64));
  }

  get #nameAt(): number {
    return this.#at + processFixedBytes;
  }

  get #argvAt(): number {
    return this.#nameAt + this.#view.getUint32(this.#at + 28, littleEndian);
  }
}

/** Decodes socket records, which the addon gives in the order of pid and descriptor. */
export function decodeSocketHolders(buffer: ArrayBuffer): SocketTable {
  const view = new DataView(buffer);
  const count = view.getUint32(4, littleEndian);
  const holders = new Map<number, SocketDescriptor[]>();
  for (let at = headerBytes; at < headerBytes + count * socketBytes; at += socketBytes) {
    const inode = readWord(view, at);
    const descriptor = { pid: view.getUint32(at + 8, littleEndian), fd: view.getUint32(at + 12, littleEndian) };
    const known = holders.get(inode);
    if (known) known.push(descriptor);
    else holders.set(inode, [descriptor]);
  }
  return { holders, unseenCount: view.getUint32(8, littleEndian) };
}
