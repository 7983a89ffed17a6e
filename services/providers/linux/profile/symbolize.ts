// Turns addresses into frames with names. All addresses of one file are looked up in one pass over it.
import { open } from "node:fs/promises";
import { basename } from "node:path";
import type { AddressSpace, AddressSpaces, MappedRegion } from "./address-spaces.js";
import type { ProfiledProcess, RawSample, RawStack } from "./decode-profile.js";
import type { MappedFile } from "./mapped-files.js";
import type { ProfileAddon, SymbolFormat } from "./native-profile.js";

export interface Frame {
  /** A function, or "[file+0x…]" when its name is not known. Untrusted text. */
  readonly name: string;
  readonly kind: "kernel" | "native" | "compiled" | "unknown";
  /** Path in the process's mount namespace; "[kernel]", or empty for compiled code. */
  readonly file: string;
}

/** How often a process was on a CPU with one stack. */
export interface ProfileStack {
  readonly process: ProfiledProcess;
  readonly count: number;
  /** Outermost first; user frames, then those of the kernel. */
  readonly frames: readonly Frame[];
}

type Find = (format: SymbolFormat, descriptor: number, addresses: readonly bigint[]) => Promise<string[]>;

/** Frames of one address space by address, or of the kernel. */
type Names = ReadonlyMap<bigint, Frame>;

const missingFrames = {
  lost: { name: "[stack lost: no room]", kind: "unknown", file: "" },
  unreadable: { name: "[stack unreadable]", kind: "unknown", file: "" },
} as const satisfies Record<string, Frame>;

export async function symbolize(
  addon: ProfileAddon,
  spaces: AddressSpaces,
  samples: readonly RawSample[],
): Promise<ProfileStack[]> {
  const find: Find = (format, descriptor, addresses) =>
    addon.findSymbols(format, descriptor, BigUint64Array.from(addresses));
  const kernel = await nameKernel(find, samples);
  const bySpace = new Map<AddressSpace | undefined, Set<bigint>>();
  for (const { process, user } of samples) addAll(bySpace, spaces.get(process), callAddresses(user));
  await nameFiles(find, bySpace);
  const names = new Map<AddressSpace | undefined, Names>();
  for (const [space, addresses] of bySpace) names.set(space, await nameSpace(find, space, addresses));
  return samples.map(({ process, count, user, kernel: inKernel }) => {
    const userFrames = framesOf(user, names.get(spaces.get(process)) ?? new Map());
    return { process, count, frames: [...userFrames, ...framesOf(inKernel, kernel)] };
  });
}

/** All frames but the innermost are return addresses, which may lie behind the end of the function that called. */
function callAddresses({ addresses }: RawStack): bigint[] {
  return Array.from(addresses, (address, index) => (index === 0 || address === 0n ? address : address - 1n));
}

function framesOf(stack: RawStack, names: Names): Frame[] {
  if (stack.missing !== "none") return [missingFrames[stack.missing]];
  return callAddresses(stack)
    .map((address) => names.get(address) ?? unknownFrame("unknown", address))
    .reverse();
}

function unknownFrame(where: string, address: bigint, file = ""): Frame {
  return { name: `[${where}+0x${address.toString(16)}]`, kind: "unknown", file };
}

async function nameKernel(find: Find, samples: readonly RawSample[]): Promise<Names> {
  const addresses = [...new Set(samples.flatMap(({ kernel }) => callAddresses(kernel)))];
  if (addresses.length === 0) return new Map();
  const symbols = await open("/proc/kallsyms");
  try {
    const found = await find("kernel", symbols.fd, addresses);
    return new Map(addresses.map((address, index) => [address, kernelFrame(found[index], address)]));
  } finally {
    await symbols.close();
  }
}

function kernelFrame(name: string | undefined, address: bigint): Frame {
  const file = "[kernel]";
  return name ? { name, kind: "kernel", file } : unknownFrame("kernel", address, file);
}

// Names of a file's code stay with the file: the next read asks only for what is new.
async function nameFiles(find: Find, bySpace: ReadonlyMap<AddressSpace | undefined, Set<bigint>>): Promise<void> {
  const byFile = new Map<MappedFile, Set<bigint>>();
  for (const [space, addresses] of bySpace) {
    for (const address of addresses) {
      const region = regionOf(space, address);
      if (!region?.file) continue;
      const offset = offsetIn(region, address);
      if (!region.file.names.has(offset)) addAll(byFile, region.file, [offset]);
    }
  }
  for (const [file, offsets] of byFile) {
    const wanted = [...offsets];
    const found = await find("elf", file.handle.fd, wanted);
    wanted.forEach((offset, index) => {
      file.names.set(offset, found[index] ?? "");
    });
  }
}

async function nameSpace(find: Find, space: AddressSpace | undefined, addresses: Set<bigint>): Promise<Names> {
  const frames = new Map<bigint, Frame>();
  const compiled: bigint[] = [];
  for (const address of addresses) {
    const region = regionOf(space, address);
    if (region) frames.set(address, nativeFrame(region, address));
    else compiled.push(address);
  }
  const map = space?.perfMap;
  const found = map && compiled.length > 0 ? await find("map", map.fd, compiled) : [];
  const where = space ? "anonymous" : "unknown";
  compiled.forEach((address, index) => {
    const name = found[index];
    frames.set(address, name ? { name, kind: "compiled", file: "" } : unknownFrame(where, address));
  });
  return frames;
}

function nativeFrame(region: MappedRegion, address: bigint): Frame {
  const offset = offsetIn(region, address);
  const name = region.file?.names.get(offset);
  const path = region.file?.path ?? region.path;
  return name ? { name, kind: "native", file: path } : unknownFrame(basename(path), offset, path);
}

function offsetIn(region: MappedRegion, address: bigint): bigint {
  return address - region.start + region.offset;
}

// The newest region that holds the address.
function regionOf(space: AddressSpace | undefined, address: bigint): MappedRegion | undefined {
  let newest: MappedRegion | undefined;
  for (const region of space?.regions.values() ?? []) {
    if (region.start <= address && address < region.end) newest = region;
  }
  return newest;
}

function addAll<Key>(to: Map<Key, Set<bigint>>, key: Key, values: Iterable<bigint>): void {
  const known = to.get(key) ?? new Set();
  for (const value of values) known.add(value);
  to.set(key, known);
}
