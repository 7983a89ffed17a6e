import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { basename, join } from "node:path";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, describe, expect, it } from "vitest";
import {
  SocketProtocol,
  SocketRole,
  TcpState,
} from "../../../../services/gen/systemsmanager/telemetry/v1/socket_pb.js";
import { TelemetryService } from "../../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { openProcSource } from "../../../../services/providers/linux/procfs/open-proc-source.js";
import { createListSockets } from "../../../../services/providers/linux/socket/list-sockets.js";
import { ErrorReason, errorDetailOf } from "../../../../services/shared/errors.js";
import { asNobody, backends, call, context, isRoot } from "../real-processes.js";
import { ownPorts } from "./own-ports.js";

const { listSockets } = TelemetryService.method;
const nextPort = ownPorts(20_000);
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(options: ListenOptions): Promise<Server> {
  const server = createServer().listen(options);
  await once(server, "listening");
  cleanups.push(() => server.close());
  return server;
}

async function connectTo(port: number, host: string): Promise<Socket> {
  const socket = connect(port, host);
  await once(socket, "connect");
  cleanups.push(() => socket.destroy());
  return socket;
}

async function bindUdp(type: "udp4" | "udp6", address: string): Promise<UdpSocket> {
  const socket = createSocket(type);
  cleanups.push(() => socket.close());
  socket.bind(nextPort(), address);
  await once(socket, "listening");
  return socket;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;
// vitest names its worker's process after itself; the kernel's name is what counts.
const self = { pid: process.pid, parentPid: process.ppid };

describe.each(backends)("ListSockets on the backend %s", (backend) => {
  const handler = createListSockets(openProcSource(backend, context.log));
  const list = (request: Parameters<typeof call<typeof listSockets>>[2]) => call(listSockets, handler, request);

  it("tells who holds a port: process, arguments, parent, owner, start", async () => {
    const port = portOf(await listen({ port: nextPort(), host: "127.0.0.1" }));
    const { listeners, connections } = await list({ port });
    expect(connections).toEqual([]);
    expect(listeners).toHaveLength(1);
    expect(listeners[0]).toMatchObject({ protocol: SocketProtocol.TCP, address: "127.0.0.1", port, path: "" });
    const [holder, ...others] = listeners[0]?.holders ?? [];
    expect(others).toEqual([]);
    expect(holder).toMatchObject({ ...self, user: userInfo().username });
    expect(basename(holder?.argv[0] ?? "")).toBe("node");
    const parent = execFileSync("ps", ["-p", String(process.ppid), "-o", "comm="], { encoding: "utf8" }).trim();
    expect(holder?.parentName).toBe(parent);
    const started = Date.now() - process.uptime() * 1000;
    expect(holder?.startTime && Math.abs(timestampMs(holder.startTime) - started)).toBeLessThan(1500);
  });

  it("shows both ends of a connection over IPv4, IPv6 and IPv4 mapped into IPv6", async () => {
    for (const [bound, dialled, seen] of [
      ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
      ["::1", "::1", "::1"],
      ["::", "127.0.0.1", "::ffff:127.0.0.1"],
    ] as const) {
      const port = portOf(await listen({ port: nextPort(), host: bound }));
      const client = await connectTo(port, dialled);
      const { listeners, connections } = await list({ port });
      expect(listeners.map(({ address }) => address)).toEqual([bound]);
      expect(connections).toEqual([
        expect.objectContaining({
          protocol: SocketProtocol.TCP,
          address: seen,
          port,
          remoteAddress: seen,
          remotePort: client.localPort,
          state: TcpState.ESTABLISHED,
        }),
      ]);
    }
  });

  it("takes an unconnected UDP socket for a listener and a connected one for a connection", async () => {
    const waiting = await bindUdp("udp4", "127.0.0.1");
    const connected = await bindUdp("udp6", "::1");
    const peer = await bindUdp("udp6", "::1");
    connected.connect(peer.address().port, "::1");
    await once(connected, "connect");
    // A socket of somebody else may have the same port of TCP.
    const udpOf = <Shown extends { protocol: SocketProtocol }>(sockets: readonly Shown[]) =>
      sockets.filter(({ protocol }) => protocol === SocketProtocol.UDP);
    const first = udpOf((await list({ port: waiting.address().port })).listeners);
    expect(first).toEqual([expect.objectContaining({ protocol: SocketProtocol.UDP, address: "127.0.0.1" })]);
    expect(first[0]?.holders).toEqual([expect.objectContaining(self)]);
    const second = await list({ port: connected.address().port });
    expect(udpOf(second.listeners)).toEqual([]);
    expect(udpOf(second.connections)).toEqual([
      expect.objectContaining({
        protocol: SocketProtocol.UDP,
        remoteAddress: "::1",
        remotePort: peer.address().port,
        state: TcpState.UNSPECIFIED,
      }),
    ]);
  });

  it("shows unix sockets by path, abstract ones with an @", async () => {
    const folder = mkdtempSync(join(tmpdir(), "list-sockets-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "with space.sock");
    await listen({ path });
    // Node 20 pads an abstract name with zero bytes, which the kernel shows as "@".
    await listen({ path: `\0abstract-${process.pid}` });
    const { listeners } = await list({ protocols: [SocketProtocol.UNIX], role: SocketRole.LISTENER, limit: 10000 });
    for (const expected of [path, `@abstract-${process.pid}`]) {
      const found = listeners.filter((listener) => listener.path.replace(/@+$/, "") === expected);
      expect(found).toEqual([expect.objectContaining({ protocol: SocketProtocol.UNIX, address: "", port: 0 })]);
      expect(found[0]?.holders).toEqual([expect.objectContaining(self)]);
    }
  });

  it("names every holder of a shared socket", async () => {
    const server = await listen({ port: nextPort(), host: "127.0.0.1" });
    const child = await shareWithChild(server);
    const { listeners } = await list({ port: portOf(server) });
    const holders = listeners.flatMap((listener) => listener.holders);
    expect(holders.map(({ pid }) => pid)).toEqual([process.pid, child.pid].sort((a, b) => Number(a) - Number(b)));
    expect(holders.find(({ pid }) => pid === child.pid)).toMatchObject({ parentPid: process.pid });
  });

  it("filters by role, protocol and the holder's name", async () => {
    const server = await listen({ port: nextPort(), host: "127.0.0.1" });
    await connectTo(portOf(server), "127.0.0.1");
    const port = portOf(server);
    const name = (await list({ port, role: SocketRole.LISTENER })).listeners[0]?.holders[0]?.name ?? "";
    const shape = async (request: Parameters<typeof list>[0]) => {
      const { listeners, connections } = await list({ port, ...request });
      return [listeners.length, connections.length];
    };
    expect(await shape({ role: SocketRole.LISTENER })).toEqual([1, 0]);
    expect(await shape({ role: SocketRole.CONNECTION })).toEqual([0, 1]);
    expect(await shape({ protocols: [SocketProtocol.UDP] })).toEqual([0, 0]);
    expect(await shape({ protocols: [SocketProtocol.TCP, SocketProtocol.UNIX] })).toEqual([1, 1]);
    expect(await shape({ processName: name })).toEqual([1, 1]);
    expect(await shape({ processName: `${name}x` })).toEqual([0, 0]);
  });

  it("cuts each kind at the limit and counts the rest", async () => {
    for (let count = 0; count < 3; count++) await listen({ port: nextPort(), host: "127.0.0.1" });
    const all = await list({ limit: 10000 });
    const one = await list({ limit: 1 });
    expect([all.omittedListenerCount, all.omittedConnectionCount]).toEqual([0, 0]);
    expect(one.listeners).toHaveLength(1);
    expect(one.omittedListenerCount).toBeGreaterThanOrEqual(2);
    const ports = all.listeners.filter(({ protocol }) => protocol === SocketProtocol.TCP).map(({ port }) => port);
    expect(ports).toEqual([...ports].sort((a, b) => a - b));
  });

  it("agrees with ss about the TCP and UDP listeners of this process", async () => {
    const servers = [
      await listen({ port: nextPort(), host: "127.0.0.1" }),
      await listen({ port: nextPort(), host: "::1" }),
    ];
    const udp = await bindUdp("udp4", "127.0.0.1");
    const expected = [...servers.map(portOf), udp.address().port];
    const ss = execFileSync("ss", ["-H", "-n", "-l", "-t", "-u", "-p"], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes(`pid=${process.pid},`))
      .map((line) => line.trim().split(/\s+/))
      .map(([protocol, , , , local]) => `${protocol} ${local?.replace(/[[\]]/g, "")}`);
    const { listeners } = await list({ limit: 10000 });
    const ours = listeners
      .filter(({ holders }) => holders.some(({ pid }) => pid === process.pid))
      .map(({ protocol, address, port }) => `${protocol === SocketProtocol.TCP ? "tcp" : "udp"} ${address}:${port}`);
    expect(ours.sort()).toEqual(ss.sort());
    for (const port of expected) expect(ours.some((row) => row.endsWith(`:${port}`))).toBe(true);
  });

  it("refuses a port together with unix sockets alone", async () => {
    const refused = await list({ port: 443, protocols: [SocketProtocol.UNIX] }).catch((error: unknown) => error);
    expect(errorDetailOf(refused)).toMatchObject({ reason: ErrorReason.INVALID_ARGUMENT, metadata: { field: "port" } });
  });

  // Whoever loaded the iterators sees everything; another user cannot load them.
  it.skipIf(!isRoot || backend === "iterators")(
    "(needs root, reads /proc) shows another user the socket without its holder, and says how many processes it could not see",
    async () => {
      const server = await listen({ port: nextPort(), host: "127.0.0.1" });
      const port = portOf(server);
      // This process becomes another user; the child that keeps the socket stays root.
      await shareWithChild(server);
      server.close();
      const { listeners, unseenCount } = await asNobody(() => list({ port }));
      expect(listeners).toEqual([expect.objectContaining({ port, holders: [] })]);
      expect(unseenCount).toBeGreaterThan(1);
    },
  );
});

async function shareWithChild(server: Server): Promise<ChildProcess> {
  const child = fork(new URL("hold-sockets.mjs", import.meta.url), { execArgv: [] });
  cleanups.push(async () => {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  });
  const held = once(child, "message");
  child.send("hold", server);
  await held;
  return child;
}
