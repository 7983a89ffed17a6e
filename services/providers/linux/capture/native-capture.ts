// What the addon exports for captures. Without clang, bpftool or libbpf at build time it exports none of it.

/** Options as the addon takes them; all are needed. */
export interface NativeCaptureOptions {
  /** Bit of each kind. */
  readonly kinds: number;
  readonly ringBytes: number;
  readonly wakeAtBytes: number;
  readonly lookEveryMs: number;
  readonly batchBytes: number;
  readonly batchesInFlight: number;
  readonly eventsPerSecond: number;
  readonly filter: NativeFilter;
}

/** Values that pass; an empty list does not filter. */
export interface NativeFilter {
  readonly pids: readonly number[];
  readonly cgroups: readonly bigint[];
  readonly users: readonly number[];
  /** At most 15 bytes each. */
  readonly comms: readonly string[];
  /** Processes, each with all that it starts. */
  readonly roots: readonly number[];
  /**
   * Absolute, at most 246 bytes each, with all that lies below. Asked of events of files, mounts and modules, by the path
   * that the event tells behind the directory that it is relative to, and of no others.
   */
  readonly paths: readonly string[];
  /** Of either end; these and networks are asked of events that have two ends, and of no others. */
  readonly ports: readonly number[];
  readonly networks: readonly NativeNetwork[];
}

/** All addresses that begin with these bits. */
export interface NativeNetwork {
  readonly address: string;
  /** At most 32 of IPv4, 128 of IPv6. */
  readonly bits: number;
}

export interface NativeCapture {
  /** Words of the accounts, by kind. */
  accounts(): ArrayBuffer;
  setFilter(filter: NativeFilter): void;
  /** 0 is no limit; -1 lets nothing through. */
  setEventsPerSecond(rate: number): void;
  /** Processes of a filter's tree for which there was no room, so that their events are missed. Only grows. */
  untaggedProcesses(): number;
  /** A batch was taken: what is in its slot may be written over. Nothing happens for a slot without one. */
  release(slot: number): void;
  /** Resolves with the last accounts. */
  close(): Promise<ArrayBuffer>;
}

/**
 * Called for each batch: so many bytes of whole records at the beginning of a slot's memory, there until the slot is released. The memory
 * comes with the slot's first batch, and stays. Called without a slot after the last batch.
 */
export type OnNativeBatch = (slot?: number, bytes?: number, memory?: ArrayBuffer) => void;

export interface CaptureAddon {
  /** Of its records; absent as openCapture is. */
  readonly eventLayoutVersion?: number;
  /** Absent from an addon built without clang, bpftool or libbpf. */
  openCapture?(options: NativeCaptureOptions, onBatch: OnNativeBatch): Promise<NativeCapture>;
}
