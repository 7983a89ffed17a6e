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
}

export interface NativeCapture {
  /** Words of the accounts, by kind. */
  accounts(): ArrayBuffer;
  setFilter(filter: NativeFilter): void;
  /** A batch was taken. */
  release(): void;
  /** Resolves with the last accounts. */
  close(): Promise<ArrayBuffer>;
}

export interface CaptureAddon {
  /** `onBatch` is called without a batch after the last one. Absent from an addon built without clang, bpftool or libbpf. */
  openCapture?(options: NativeCaptureOptions, onBatch: (batch?: ArrayBuffer) => void): Promise<NativeCapture>;
}
