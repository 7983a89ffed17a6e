// Connections that are really made, refused, lost, taken and ended, told by both sides.
import { readFileSync } from "node:fs";
import { afterAll, expect } from "vitest";
import { stopProcess } from "../../../shared/stop-process.js";
import { test } from "../require-tracing.js";
import { captureWhile, sumOf } from "./capture-under-test.js";
import {
  block4,
  block6,
  clientScript,
  ipv4,
  ipv6,
  NetworkNamespace,
  networks,
  ofKind,
  serverScript,
} from "./network-under-test.js";

const namespace = NetworkNamespace.withSilentNeighbour();
afterAll(() => namespace.remove());

const ports = { IPv4: 4001, IPv6: 4002, "IPv4 over a socket of IPv6": 4003 };
const maxLatencyNs = 5_000_000_000n;

// In clock ticks, as /proc tells it.
function startTicksOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19]);
}

test.each([
  ["IPv4", ipv4, ipv4, 4, false],
  ["IPv6", ipv6, ipv6, 6, false],
  ["IPv4 over a socket of IPv6", `::ffff:${ipv4}`, ipv4, 4, true],
] as const)(
  "%s: connect, accept and both ends of close, to the byte",
  async (what, host, address, family, isMapped) => {
    const port = ports[what];
    let server = 0;
    let client = 0;
    let clientStart = 0;
    const kinds = ["tcpConnect", "tcpAccept", "tcpClose", "tcpReset", "tcpRetransmit"] as const;
    const { events, accounts } = await captureWhile({ kinds, filter: { networks } }, async () => {
      const serving = namespace.start(serverScript(port, { reply: 777 }));
      const connecting = namespace.start(clientScript(port, host, 123_456));
      await serving.line();
      [server, client, clientStart] = [serving.pid, connecting.pid, startTicksOf(connecting.pid)];
      connecting.go();
      await Promise.all([serving.ended(), connecting.ended()]);
    });
    const [connect] = ofKind(events, "tcpConnect");
    const localPort = connect?.local.port ?? 0;
    const near = { address, port: localPort };
    const far = { address, port };
    const ofClient = { local: near, remote: far, family, isMapped, isOwnerKnown: true, subject: { pid: client } };
    // It listens to both families.
    const ofServer = { ...ofClient, local: far, remote: near, isMapped: family === 4, subject: { pid: server } };
    expect(localPort).toBeGreaterThan(1023);
    expect(ofKind(events, "tcpConnect")).toMatchObject([{ ...ofClient, result: 0, isRemoteGiven: false }]);
    expect(connect?.subject).toMatchObject({ comm: "node", parent: process.pid, user: process.getuid?.() });
    expect(Number((connect?.subject.start ?? 0n) / 10_000_000n)).toBe(clientStart);
    expectWithin(connect?.latencyNs);
    const [accept] = ofKind(events, "tcpAccept");
    expect(ofKind(events, "tcpAccept")).toMatchObject([{ ...ofServer, result: expect.any(Number) }]);
    expect(accept?.result).toBeGreaterThan(2);
    expectWithin(accept?.waitedNs);
    const closes = ofKind(events, "tcpClose");
    expect(closes).toHaveLength(2);
    const through = { result: 0, retransmits: 0 };
    expect(closes).toContainEqual(
      expect.objectContaining({ sentBytes: 123_456n, receivedBytes: 777n, local: near, ...through }),
    );
    expect(closes).toContainEqual(
      expect.objectContaining({ sentBytes: 777n, receivedBytes: 123_456n, local: far, ...through }),
    );
    for (const close of closes) {
      expect(close).toMatchObject(close.local.port === port ? ofServer : ofClient);
      expectWithin(close.durationNs);
    }
    // Nothing else came through, and nothing was lost.
    expect(events).toHaveLength(4);
    for (const kind of kinds) expect(accounts[kind].attempted, kind).toBe(sumOf(accounts[kind]));
  },
);

function expectWithin(time: bigint | undefined): void {
  expect(time).toBeGreaterThan(0n);
  expect(time).toBeLessThan(maxLatencyNs);
}

async function connectTo(host: string, port: number) {
  let pid = 0;
  const { events } = await captureWhile(
    { kinds: ["tcpConnect", "tcpRetransmit", "tcpClose"], filter: { networks } },
    async () => {
      const client = namespace.start(clientScript(port, host));
      pid = client.pid;
      client.go();
      await client.ended();
    },
  );
  return { pid, events };
}

test.each([
  ["refused", ipv4, 4010, -111, { isRemoteGiven: false, local: { address: ipv4 } }],
  ["refused over IPv6", ipv6, 4010, -111, { isRemoteGiven: false, local: { address: ipv6 } }],
  ["without a route", `${block4}.200`, 4010, -101, { isRemoteGiven: true, latencyNs: undefined }],
  ["without a route over IPv6", `${block6}:9::9`, 4010, -101, { isRemoteGiven: true, latencyNs: undefined }],
] as const)("a connect that is %s has the errno and is told once", async (_what, host, port, result, more) => {
  const { pid, events } = await connectTo(host, port);
  const expected = {
    kind: "tcpConnect",
    remote: { address: host, port },
    result,
    subject: { pid },
    isOwnerKnown: true,
  };
  expect(events).toMatchObject([{ ...expected, ...more }]);
});

test("a connect that nobody answers times out, after its first packet was sent again", async () => {
  const { pid, events } = await connectTo(`${block4}.66`, 4010);
  const ends = { local: { address: `${block4}.65` }, remote: { address: `${block4}.66`, port: 4010 } };
  const retransmits = ofKind(events, "tcpRetransmit");
  expect(retransmits.length).toBeGreaterThan(0);
  expect(events).toMatchObject([
    ...retransmits.map((_, index) => {
      return { kind: "tcpRetransmit", state: "synSent", retransmits: index + 1, subject: { pid }, ...ends };
    }),
    { kind: "tcpConnect", result: -110, subject: { pid }, ...ends },
  ]);
  const [connect] = ofKind(events, "tcpConnect");
  expect(connect?.latencyNs).toBeGreaterThan(1_000_000_000n);
});

test("a connect that its process gives up is told as cancelled", async () => {
  const { events } = await captureWhile({ kinds: ["tcpConnect"], filter: { networks } }, async () => {
    const script = `const socket = net.connect(4010, "${block4}.66"); setTimeout(() => { socket.destroy(); end(); }, 100);`;
    await namespace.start(script).ended();
  });
  expect(events).toMatchObject([{ kind: "tcpConnect", result: -125, isOwnerKnown: true }]);
});

test("a connect for which no local port is free tells so", async () => {
  const setPorts = (range: string) => namespace.run("sysctl", "-qw", `net.ipv4.ip_local_port_range=${range}`);
  setPorts("20000 20000");
  const { events } = await captureWhile({ kinds: ["tcpConnect"], filter: { networks } }, async () => {
    const script = `
      const first = net.connect(4010, "${block4}.66");
      const second = net.connect(4010, "${block4}.66");
      second.on("error", ({ code }) => { say(code); first.destroy(); end(); });`;
    const client = namespace.start(script);
    expect(await client.line()).toBe("EADDRNOTAVAIL");
    await client.ended();
  });
  setPorts("32768 60999");
  // The second fails at once; the first is given up.
  expect(events.map((event) => event.kind === "tcpConnect" && event.result)).toEqual([-99, -125]);
});

test("an accept for which no descriptor is free tells the errno and where it listened", async () => {
  const { events } = await captureWhile({ kinds: ["tcpAccept"], filter: { networks: [ipv4] } }, () => {
    const script = `
      socket(S, PF_INET, SOCK_STREAM, 0) && bind(S, pack_sockaddr_in(4011, inet_aton("${ipv4}"))) && listen(S, 1) or die;
      while (open(my $copy, ">&", STDOUT)) { push @copies, $copy }
      exit(accept(C, S) ? 1 : 0);`;
    namespace.run("prlimit", "--nofile=16", "perl", "-MSocket", "-e", script);
  });
  const failed = { result: -24, local: { address: ipv4, port: 4011 }, waitedNs: undefined, isOwnerKnown: true };
  expect(ofKind(events, "tcpAccept")).toMatchObject([{ ...failed, subject: { comm: "perl" } }]);
});

test("sockets that were there before have their owner, and no known begin", async () => {
  const server = namespace.start(serverScript(4012));
  await server.line();
  const client = namespace.start(`
    const socket = net.connect(4012, "${ipv4}", async () => {
      say("connected");
      await go();
      socket.end("bye").resume().on("close", end);
    });`);
  await client.line();
  const { events } = await captureWhile({ kinds: ["tcpClose"], filter: { networks } }, async () => {
    client.go();
    await Promise.all([client.ended(), server.ended()]);
  });
  const pids = ofKind(events, "tcpClose").map(({ subject, durationNs }) => [subject.pid, durationNs]);
  expect(pids.toSorted()).toEqual(
    [
      [client.pid, undefined],
      [server.pid, undefined],
    ].toSorted(),
  );
});

test("a connection that nobody took yet is nobody's, and says so", async () => {
  const server = namespace.start(serverScript(4013));
  await server.line();
  const { events } = await captureWhile({ kinds: ["tcpClose"], filter: { networks } }, async () => {
    await stopProcess(server.pid);
    const script = `const socket = net.connect(4013, "${ipv4}", () => { socket.resetAndDestroy(); end(); });`;
    await namespace.start(script).ended();
  });
  const closes = ofKind(events, "tcpClose");
  const ofServer = closes.find(({ local }) => local.port === 4013);
  expect(closes).toHaveLength(2);
  expect(ofServer).toMatchObject({ isOwnerKnown: false, subject: { pid: 0, comm: "" }, result: -104 });
});
