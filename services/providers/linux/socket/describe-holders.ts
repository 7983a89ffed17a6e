// The processes behind sockets, read only for the sockets that are shown.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SocketHolderSchema } from "../../../gen/systemsmanager/telemetry/v1/socket_pb.js";
import { readBootClock, startTimestamp } from "../procfs/clock.js";
import type { ProcSource, RawProcess, SocketTable } from "../procfs/proc-source.js";
import { readUserNames, userName } from "../procfs/users.js";
import type { RawSocket } from "./raw-socket.js";

/** Gives the holders of a socket. */
export type HoldersOf = (socket: RawSocket) => MessageInitShape<typeof SocketHolderSchema>[];

/** Distinct ids of the processes that hold a socket; empty for one that has no inode any more. */
export function holderPids(table: SocketTable, socket: RawSocket): number[] {
  if (socket.inode === 0) return [];
  return [...new Set((table.holders.get(socket.inode) ?? []).map(({ pid }) => pid))];
}

/** Reads the holders of these sockets, and their parents' names. */
export async function readHolders(
  source: ProcSource,
  table: SocketTable,
  sockets: readonly RawSocket[],
): Promise<HoldersOf> {
  const pids = sockets.flatMap((socket) => holderPids(table, socket));
  const [processes, clock, users] = await Promise.all([readByPid(source, pids), readBootClock(), readUserNames()]);
  const parents = await readByPid(
    source,
    [...processes.values()].map((process) => process.parentPid),
  );
  const describe = (process: RawProcess): MessageInitShape<typeof SocketHolderSchema> => ({
    pid: process.pid,
    name: process.name,
    argv: [...process.argv],
    parentPid: process.parentPid,
    parentName: parents.get(process.parentPid)?.name ?? "",
    user: userName(users, process.userId),
    startTime: startTimestamp(clock, process.startTicks),
  });
  return (socket) =>
    holderPids(table, socket)
      .map((pid) => processes.get(pid))
      .filter((process) => process !== undefined)
      .map(describe);
}

/** Names of processes by pid. */
export async function readByPid(source: ProcSource, pids: readonly number[]): Promise<Map<number, RawProcess>> {
  const wanted = [...new Set(pids)].filter((pid) => pid !== 0);
  const { processes } = await source.readProcesses(wanted);
  return new Map(processes.map((process) => [process.pid, process]));
}
