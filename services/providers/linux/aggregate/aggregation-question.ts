// What can be counted and measured in the kernel, and told apart by what.
import { TraceKey, TraceSource } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { CaptureFilter } from "../capture/open-capture.js";

/** Numbers of the addon are those of the proto. */
export const sources = {
  syscall: TraceSource.SYSCALL,
  fileOpen: TraceSource.FILE_OPEN,
  fileRead: TraceSource.FILE_READ,
  fileWrite: TraceSource.FILE_WRITE,
  fileUnlink: TraceSource.FILE_UNLINK,
  tcpConnect: TraceSource.TCP_CONNECT,
  tcpAccept: TraceSource.TCP_ACCEPT,
  tcpRetransmit: TraceSource.TCP_RETRANSMIT,
  exec: TraceSource.EXEC,
  blockIo: TraceSource.BLOCK_IO,
  runQueue: TraceSource.RUN_QUEUE,
} as const;

export const keys = {
  none: TraceKey.UNSPECIFIED,
  process: TraceKey.PROCESS,
  comm: TraceKey.COMM,
  syscall: TraceKey.SYSCALL,
  path: TraceKey.PATH,
  remote: TraceKey.REMOTE,
  cgroup: TraceKey.CGROUP,
  user: TraceKey.USER,
  device: TraceKey.DEVICE,
} as const;

export type AggregationSource = keyof typeof sources;
export type AggregationKey = keyof typeof keys;

export interface AggregationQuestion {
  readonly source: AggregationSource;
  readonly by: AggregationKey;
  readonly measure: "count" | "latency";
  readonly filter?: CaptureFilter;
  /** Different keys that there is room for; 10,240 by default, 4,096 of paths, and 1,024 of latencies. */
  readonly maxKeys?: number;
}

const ofProcesses: readonly AggregationKey[] = ["none", "process", "comm", "cgroup", "user"];
const countKeys: Readonly<Record<AggregationSource, readonly AggregationKey[]>> = {
  syscall: [...ofProcesses, "syscall"],
  fileOpen: [...ofProcesses, "path"],
  fileRead: [...ofProcesses, "path"],
  fileWrite: [...ofProcesses, "path"],
  fileUnlink: [...ofProcesses, "path"],
  tcpConnect: [...ofProcesses, "remote"],
  tcpAccept: [...ofProcesses, "remote"],
  tcpRetransmit: [...ofProcesses, "remote"],
  exec: [...ofProcesses, "path"],
  blockIo: [...ofProcesses, "device"],
  runQueue: ofProcesses,
};
const latencyKeys: Readonly<Partial<Record<AggregationSource, readonly AggregationKey[]>>> = {
  syscall: ["none", "process", "comm", "syscall"],
  runQueue: ["none", "process", "comm"],
  blockIo: ["none", "process", "comm"],
  tcpConnect: ["none", "process", "comm"],
};

const mostKeys = { count: 65_536, path: 16_384, latency: 8_192 };
const defaultKeys = { count: 10_240, path: 4_096, latency: 1_024 };

/** Throws INVALID_ARGUMENT for a question that makes no sense, with what would. */
export function checkQuestion({ source, by, measure, filter }: AggregationQuestion): void {
  const possible = measure === "count" ? countKeys : latencyKeys;
  const allowed = possible[source];
  const act = measure === "count" ? "counted" : "measured";
  if (!allowed) {
    throw failure(ErrorReason.INVALID_ARGUMENT, `${source} has no latency that could be measured`, {
      metadata: { field: "source", rule: "latency.source" },
      remedy: `measure ${Object.keys(possible).join(", ")}, or count ${source}`,
    });
  }
  if (!allowed.includes(by)) {
    throw failure(ErrorReason.INVALID_ARGUMENT, `${source} cannot be ${act} by ${by}`, {
      metadata: { field: "by", rule: `${measure}.by` },
      remedy: `tell ${source} apart by ${allowed.join(", ")}`,
    });
  }
  checkFilter(source, filter);
}

// The kernel's programs ask a criterion only of what has it, so that here it would be no filter at all.
function checkFilter(source: AggregationSource, { paths = [], ports = [], networks = [] }: CaptureFilter = {}): void {
  const cannot = [
    { field: "paths", values: paths, has: source.startsWith("file"), what: "path" },
    { field: "ports", values: ports, has: source.startsWith("tcp"), what: "port" },
    { field: "networks", values: networks, has: source.startsWith("tcp"), what: "address" },
  ].find(({ values, has }) => values.length > 0 && !has);
  if (!cannot) return;
  throw failure(
    ErrorReason.INVALID_ARGUMENT,
    `${source} has no ${cannot.what} to filter by, such as ${cannot.values[0]}`,
    {
      metadata: { field: `filter.${cannot.field}`, rule: "source.filter" },
      remedy: `leave it out, or filter ${source} by processes, cgroups, users or names`,
    },
  );
}

/** Keys that there is room for. Throws INVALID_ARGUMENT beyond what one question may take of the kernel's memory. */
export function roomFor({ by, measure, maxKeys }: AggregationQuestion): number {
  if (by === "none") return 1;
  // A row of a path has its text with it, and a row of a latency its histogram.
  const kind = measure === "latency" ? "latency" : by === "path" ? "path" : "count";
  const room = maxKeys ?? defaultKeys[kind];
  if (Number.isInteger(room) && room >= 1 && room <= mostKeys[kind]) return room;
  throw failure(ErrorReason.INVALID_ARGUMENT, `there cannot be room for ${room} keys`, {
    metadata: { field: "maxKeys", rule: `1 to ${mostKeys[kind]}` },
    remedy: `choose a whole number from 1 to ${mostKeys[kind]}; what finds no room is counted together`,
  });
}
