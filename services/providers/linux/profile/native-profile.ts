// What the addon exports for CPU profiles. Without clang, bpftool or libbpf at build time it exports none of it.

/** Options as the addon takes them; all are needed. */
export interface NativeProfileOptions {
  /** Of each CPU. */
  readonly samplesPerSecond: number;
  /** Different stacks that there is room for in the kernel; about 1 KiB each. */
  readonly mostStacks: number;
  /** Different combinations of a process and its stacks that there is room for. */
  readonly mostCounts: number;
  /** Empty: all processes. */
  readonly pids: BigUint64Array;
  /** Ids, each with the groups below it. Empty: all. */
  readonly cgroups: BigUint64Array;
}

export interface NativeProfile {
  /** Everything since the beginning: native/linux/profile/profile_session.hh says how. */
  read(): Promise<ArrayBuffer>;
  /** The processes seen since the call before: profile_process records of native/linux/bpf/profile_layout.h. */
  takeProcesses(): Promise<ArrayBuffer>;
  /** Takes no more samples and resolves with the last read. */
  close(): Promise<ArrayBuffer>;
}

/** Where names stand: an ELF file, a perf map that a runtime wrote, /proc/kallsyms. */
export type SymbolFormat = "elf" | "map" | "kernel";

export interface ProfileAddon {
  /** Rejects with an `errno` when the kernel refuses. */
  openProfile(options: NativeProfileOptions): Promise<NativeProfile>;
  /** Names in the order of the addresses (offsets in the file for ELF), empty where there is none. The descriptor stays the caller's. */
  findSymbols(format: SymbolFormat, descriptor: number, addresses: BigUint64Array): Promise<string[]>;
}
