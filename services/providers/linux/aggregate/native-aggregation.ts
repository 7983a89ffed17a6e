// What the addon exports for aggregations. Without clang, bpftool or libbpf at build time it exports none of it.
import type { NativeFilter } from "../capture/native-capture.js";

/** Options as the addon takes them; all are needed. */
export interface NativeAggregationOptions {
  /** As TraceSource. */
  readonly source: number;
  /** As TraceKey. */
  readonly by: number;
  /** Times, and not how often and how much. */
  readonly measuresLatency: boolean;
  /** Different keys that there is room for. */
  readonly mostKeys: number;
  readonly filter: NativeFilter;
}

export interface NativeAggregation {
  /** Everything since the beginning: native/linux/aggregate/aggregate_session.hh says how. */
  read(): Promise<ArrayBuffer>;
  /** Holds for what begins after it resolved. */
  setFilter(filter: NativeFilter): Promise<void>;
  /** Counts no more and resolves with the last read. */
  close(): Promise<ArrayBuffer>;
}

export interface AggregationAddon {
  /** Rejects with an `errno` when the kernel refuses. */
  openAggregation(options: NativeAggregationOptions): Promise<NativeAggregation>;
}
