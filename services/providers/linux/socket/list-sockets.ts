// ListSockets: the kernel's socket tables joined with the descriptors of all processes.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ConnectionSchema,
  ListenerSchema,
  ListSocketsRequest,
} from "../../../gen/systemsmanager/telemetry/v1/socket_pb.js";
import type { TelemetryService } from "../../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import { untilAborted } from "../../../shared/until-aborted.js";
import type { OperationHandler } from "../../os-provider.js";
import type { ProcSource, SocketTable } from "../procfs/proc-source.js";
import { type HoldersOf, holderPids, readByPid, readHolders } from "./describe-holders.js";
import { type RawSocket, SocketProtocol, SocketRole } from "./raw-socket.js";
import { readSockets } from "./read-sockets.js";

const defaultLimit = 200;

type ListSockets = (typeof TelemetryService)["method"]["listSockets"];

/** Lists sockets, their holders found through this source. */
export function createListSockets(source: ProcSource): OperationHandler<ListSockets> {
  return (request, { signal }) => untilAborted(listSockets(source, request), signal);
}

async function listSockets(
  source: ProcSource,
  request: ListSocketsRequest,
): Promise<MessageInitShape<ListSockets["output"]>> {
  // Holders second: never a socket that was opened after its holders had been looked for.
  const all = await readSockets(source, protocolsOf(request), request.port);
  const table = await source.readSocketHolders(request.port === 0 ? undefined : all.map(({ inode }) => inode));
  const sockets = all.filter(({ role }) => request.role === SocketRole.UNSPECIFIED || role === request.role);
  const held = await filterByHolder(source, table, sockets, request.processName);
  const limit = request.limit || defaultLimit;
  const listeners = held.filter(({ role }) => role === SocketRole.LISTENER).sort(compareSockets);
  const connections = held.filter(({ role }) => role === SocketRole.CONNECTION).sort(compareSockets);
  const shownListeners = listeners.slice(0, limit);
  const shownConnections = connections.slice(0, limit);
  const holdersOf = await readHolders(source, table, [...shownListeners, ...shownConnections]);
  return {
    listeners: shownListeners.map((socket) => describeListener(socket, holdersOf)),
    connections: shownConnections.map((socket) => describeConnection(socket, holdersOf)),
    omittedListenerCount: listeners.length - shownListeners.length,
    omittedConnectionCount: connections.length - shownConnections.length,
    unseenCount: table.unseenCount,
  };
}

function protocolsOf(request: ListSocketsRequest): SocketProtocol[] {
  const inet = [SocketProtocol.TCP, SocketProtocol.UDP];
  if (request.protocols.length === 0) return inet;
  if (request.port === 0) return request.protocols;
  const withPorts = request.protocols.filter((protocol) => inet.includes(protocol));
  if (withPorts.length > 0) return withPorts;
  throw failure(ErrorReason.INVALID_ARGUMENT, `port ${request.port} was asked for with unix sockets only`, {
    metadata: { field: "port", rule: "protocols" },
    remedy: "leave the port out, or ask for TCP or UDP: unix sockets have no port",
  });
}

async function filterByHolder(
  source: ProcSource,
  table: SocketTable,
  sockets: readonly RawSocket[],
  processName: string,
): Promise<readonly RawSocket[]> {
  if (processName === "") return sockets;
  const processes = await readByPid(
    source,
    sockets.flatMap((socket) => holderPids(table, socket)),
  );
  return sockets.filter((socket) => holderPids(table, socket).some((pid) => processes.get(pid)?.name === processName));
}

function compareSockets(a: RawSocket, b: RawSocket): number {
  return (
    a.protocol - b.protocol ||
    a.port - b.port ||
    compareText(a.address, b.address) ||
    compareText(a.path, b.path) ||
    a.remotePort - b.remotePort ||
    compareText(a.remoteAddress, b.remoteAddress) ||
    a.inode - b.inode
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function describeListener(socket: RawSocket, holdersOf: HoldersOf): MessageInitShape<typeof ListenerSchema> {
  const { protocol, address, port, path } = socket;
  return { protocol, address, port, path, holders: holdersOf(socket) };
}

function describeConnection(socket: RawSocket, holdersOf: HoldersOf): MessageInitShape<typeof ConnectionSchema> {
  const { protocol, address, port, remoteAddress, remotePort, path, state } = socket;
  return { protocol, address, port, remoteAddress, remotePort, path, state, holders: holdersOf(socket) };
}
