// The kernel's own tables of sockets beside /proc/net: the same sockets of every kind, field by field.
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { openProcSource } from "../../../../services/providers/linux/procfs/open-proc-source.js";
import {
  type RawSocket,
  SocketProtocol,
  SocketRole,
  TcpState,
} from "../../../../services/providers/linux/socket/raw-socket.js";
import { readSockets } from "../../../../services/providers/linux/socket/read-sockets.js";
import { context, iteratorsAbsent } from "../real-processes.js";
import { ownPorts } from "./own-ports.js";

const nextPort = ownPorts(24_000);
const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const inet = [SocketProtocol.TCP, SocketProtocol.UDP];
const { TCP, UDP } = SocketProtocol;
const { LISTENER, CONNECTION } = SocketRole;

interface Kind {
  readonly name: string;
  /** Opens one and returns the port that it has as its own. */
  readonly open: () => Promise<number>;
  /** What must be among the sockets of the port; the rest is compared with /proc/net. */
  readonly has: Partial<RawSocket>;
}

const kinds: readonly Kind[] = [
  {
    name: "a TCP listener on IPv4",
    open: async () => portOf(await listen("127.0.0.1")),
    has: { protocol: TCP, role: LISTENER, state: TcpState.LISTEN, address: "127.0.0.1" },
  },
  {
    name: "a TCP listener on IPv6",
    open: async () => portOf(await listen("::1")),
    has: { protocol: TCP, role: LISTENER, state: TcpState.LISTEN, address: "::1" },
  },
  {
    name: "an established connection",
    open: async () => (await dial("127.0.0.1", "127.0.0.1")).port,
    has: { role: CONNECTION, state: TcpState.ESTABLISHED, address: "127.0.0.1", remoteAddress: "127.0.0.1" },
  },
  {
    name: "a connection of IPv4 mapped into IPv6",
    open: async () => (await dial("::", "127.0.0.1")).port,
    has: { role: CONNECTION, state: TcpState.ESTABLISHED, address: "::ffff:127.0.0.1" },
  },
  {
    name: "a connection over IPv6",
    open: async () => (await dial("::1", "::1")).port,
    has: { role: CONNECTION, state: TcpState.ESTABLISHED, address: "::1", remoteAddress: "::1" },
  },
  {
    name: "a connection that has waited since its end",
    open: openTimeWait,
    has: { role: CONNECTION, state: TcpState.TIME_WAIT, inode: 0 },
  },
  {
    name: "a connection that one side has closed",
    open: async () => (await openHalfClosed()).port,
    has: { role: CONNECTION, state: TcpState.FIN_WAIT2 },
  },
  {
    name: "a connection that one side has closed and nobody holds there any more",
    open: openOrphan,
    has: { role: CONNECTION, state: TcpState.FIN_WAIT2, inode: 0 },
  },
  {
    name: "an unconnected UDP socket on IPv4",
    open: async () => (await bindUdp("udp4", "127.0.0.1")).address().port,
    has: { protocol: UDP, role: LISTENER, address: "127.0.0.1", remotePort: 0 },
  },
  {
    name: "a connected UDP socket on IPv6",
    open: openConnectedUdp,
    has: { protocol: UDP, role: CONNECTION, address: "::1", remoteAddress: "::1" },
  },
];

describe.skipIf(iteratorsAbsent !== undefined)("sockets read through iterators equal those of /proc/net", () => {
  test.each(kinds)("$name, by its port", async ({ open, has }) => {
    // A neighbour with another port, which a filter that lets everything through would show.
    await listen("127.0.0.1");
    const port = await open();
    const isThere = async () => (await read("native", port)).some((socket) => matches(socket, has));
    await expect.poll(isThere, { timeout: 5000, interval: 20 }).toBe(true);
    const { expected, found } = await readBetween(port);
    expect(found).toEqual(expected);
    expect(found.every((socket) => socket.port === port)).toBe(true);
    expect(found).toContainEqual(expect.objectContaining(has));
  });

  test("all of them at once", async () => {
    const ports = new Set<number>();
    for (const { open } of kinds) ports.add(await open());
    const before = await read("native");
    const found = await read("iterators");
    const after = await read("native");
    // What was the same before and after was the same in between.
    const isStill = (socket: RawSocket) => after.some((later) => keyOf(later) === keyOf(socket));
    expect(found).toEqual(expect.arrayContaining(before.filter(isStill)));
    // Not those of others, which have the same port by chance and come or go meanwhile.
    const names = (sockets: readonly RawSocket[]) => new Set(sockets.map((socket) => keyOf(withoutState(socket))));
    const [earlier, later] = [names(before), names(after)];
    const isOwn = (socket: RawSocket) => ports.has(socket.port) && [earlier, later].every(hasName(socket));
    const own = (sockets: readonly RawSocket[]) => sockets.filter(isOwn);
    expect(own(found).map(withoutState)).toEqual(own(after).map(withoutState));
    expect(own(found).length).toBeGreaterThan(kinds.length);
  });
});

/** A connection that ends does so step by step. */
const withoutState = ({ state: _state, inode: _inode, ...rest }: RawSocket) => rest;

const keyOf = (socket: Partial<RawSocket>) => JSON.stringify(socket);

const hasName = (socket: RawSocket) => (names: ReadonlySet<string>) => names.has(keyOf(withoutState(socket)));

const placeOf = ({ protocol, address, port, remoteAddress, remotePort, inode }: RawSocket) =>
  JSON.stringify([protocol, port, address, remotePort, remoteAddress, inode]);

async function read(backend: string, port = 0): Promise<RawSocket[]> {
  const sockets = await readSockets(openProcSource(backend, context.log), inet, port);
  return sockets.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

/** What iterators tell between two equal readings of /proc: sockets of others with this port come and go. */
async function readBetween(port: number): Promise<{ expected: RawSocket[]; found: RawSocket[] }> {
  for (;;) {
    const expected = await read("native", port);
    const found = await read("iterators", port);
    if (isDeepStrictEqual(await read("native", port), expected)) return { expected, found };
  }
}

function matches(socket: RawSocket, has: Partial<RawSocket>): boolean {
  return Object.entries(has).every(([field, value]) => socket[field as keyof RawSocket] === value);
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function listen(host: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }).listen(nextPort(), host);
  await once(server, "listening");
  cleanups.push(() => server.close());
  return server;
}

/** A connection, its server's side and the server's port. */
async function dial(bound: string, dialled: string): Promise<{ client: Socket; accepted: Socket; port: number }> {
  const server = await listen(bound);
  const accepting = once(server, "connection") as Promise<[Socket]>;
  const client = connect({ port: portOf(server), host: dialled, allowHalfOpen: true });
  await once(client, "connect");
  const [accepted] = await accepting;
  cleanups.push(() => [client, accepted].map((socket) => socket.destroy()));
  return { client, accepted, port: portOf(server) };
}

/** The side that closes first waits. */
async function openTimeWait(): Promise<number> {
  const { client, accepted, port } = await dial("127.0.0.1", "127.0.0.1");
  const ended = once(client, "end");
  accepted.end();
  client.resume();
  await ended;
  client.end();
  return port;
}

/** The server's side has closed and the client has not. */
async function openHalfClosed(): Promise<{ accepted: Socket; port: number }> {
  const { accepted, port } = await dial("127.0.0.1", "127.0.0.1");
  const sent = once(accepted, "finish");
  accepted.end();
  await sent;
  return { accepted, port };
}

async function openOrphan(): Promise<number> {
  const { accepted, port } = await openHalfClosed();
  accepted.destroy();
  return port;
}

async function bindUdp(type: "udp4" | "udp6", address: string): Promise<UdpSocket> {
  const socket = createSocket(type);
  cleanups.push(() => socket.close());
  socket.bind(nextPort(), address);
  await once(socket, "listening");
  return socket;
}

async function openConnectedUdp(): Promise<number> {
  const connected = await bindUdp("udp6", "::1");
  connected.connect((await bindUdp("udp6", "::1")).address().port, "::1");
  await once(connected, "connect");
  return connected.address().port;
}
