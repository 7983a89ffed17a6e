// Datagrams that are really sent, and names that are really asked of a server of the test's own.
import { afterAll, expect } from "vitest";
import { eventKinds } from "../../../../services/providers/linux/capture/event-layout.js";
import { builtAddonPath } from "../../../../services/providers/linux/native.js";
import { test } from "../require-tracing.js";
import { captureWhile } from "./capture-under-test.js";
import { type Actor, ipv4, ipv6, NetworkNamespace, networks, ofKind } from "./network-under-test.js";

const namespace = NetworkNamespace.alone();
afterAll(() => namespace.remove());

// Answers A with one address, but not what begins with "silent", and has nothing that begins with "missing".
const dnsServer = (host: string) => `
  const socket = dgram.createSocket("${host.includes(":") ? "udp6" : "udp4"}");
  socket.on("message", (query, from) => {
    const name = query.toString("latin1", 13);
    if (name.startsWith("silent")) return;
    const isMissing = name.startsWith("missing");
    const head = Buffer.from(query.subarray(0, query.indexOf(0, 12) + 5));
    head.writeUInt16BE(isMissing ? 0x8183 : 0x8180, 2);
    head.writeUInt16BE(isMissing ? 0 : 1, 6);
    head.writeUInt32BE(0, 8);
    const answer = Buffer.from("c00c00010001000000010004c0000201", "hex");
    setTimeout(() => socket.send(isMissing ? head : Buffer.concat([head, answer]), from.port, from.address), 20);
  });
  socket.bind(53, "${host}", () => say("bound"));
  go().then(() => { socket.close(); end(); });`;

const resolver = (server: string, method: string, name: string, timeout: number) => `
  const { Resolver } = require("node:dns").promises;
  const resolver = new Resolver({ timeout: ${timeout}, tries: 1 });
  resolver.setServers([${JSON.stringify(server.includes(":") ? `[${server}]` : server)}]);
  resolver.${method}(${JSON.stringify(name)}).catch(() => {}).then(end);`;

async function resolve(server: string, method: string, name: string, timeout = 10_000) {
  const serving = namespace.start(dnsServer(server));
  await serving.line();
  let asking: Actor | undefined;
  const kinds = ["dnsQuery", "dnsAnswer"] as const;
  const { events } = await captureWhile({ kinds, filter: { networks } }, async () => {
    asking = namespace.start(resolver(server, method, name, timeout));
    await asking.ended();
    serving.go();
    await serving.ended();
  });
  return { queries: ofKind(events, "dnsQuery"), answers: ofKind(events, "dnsAnswer"), pid: asking?.pid };
}

test.each([
  ["a name over IPv4", ipv4, 4, "resolve4", "known.example", "A", 0, 1],
  ["a name over IPv6", ipv6, 6, "resolve4", "known.example", "A", 0, 1],
  ["a name that does not exist", ipv4, 4, "resolveMx", "missing.example", "MX", 3, 0],
] as const)("%s: question and answer are told", async (_what, server, family, method, name, type, code, answers) => {
  // The fastest of three, since a machine may pause.
  let told = await resolve(server, method, name);
  for (let tries = 1; tries < 3 && (told.answers[0]?.latencyNs ?? 0n) >= 300_000_000n; tries++) {
    told = await resolve(server, method, name);
  }
  const remote = { address: server, port: 53 };
  const base = { name, type, isCut: false, family, remote, isOwnerKnown: true, subject: { pid: told.pid } };
  const [query] = told.queries;
  expect(told.queries).toMatchObject([base]);
  expect(told.answers).toMatchObject([{ ...base, id: query?.id, code, answers, isTruncated: false }]);
  expect(told.answers[0]?.local).toEqual(query?.local);
  // The server takes 20 ms.
  expect(told.answers[0]?.latencyNs).toBeGreaterThan(18_000_000n);
  expect(told.answers[0]?.latencyNs).toBeLessThan(300_000_000n);
});

test("a question that nobody answers is told, without an answer", async () => {
  const { queries, answers } = await resolve(ipv4, "resolve6", "silent.example", 300);
  expect(queries).toMatchObject([{ name: "silent.example", type: "AAAA" }]);
  expect(answers).toEqual([]);
});

test("the C library asks for both families with one call, and both questions are told", async () => {
  const serving = namespace.start(dnsServer(ipv4));
  await serving.line();
  const { events } = await captureWhile({ kinds: ["dnsQuery", "dnsAnswer"], filter: { networks } }, () => {
    // Its file of name servers is replaced in a mount namespace that ends with the command.
    const ask = `f=$(mktemp) && echo nameserver ${ipv4} > $f && mount --bind $f /etc/resolv.conf && rm $f && getent -s dns ahosts known.example`;
    namespace.run("sh", "-c", ask);
  });
  serving.go();
  await serving.ended();
  const base = { name: "known.example", isOwnerKnown: true, subject: { comm: "getent" } };
  expect(ofKind(events, "dnsQuery")).toMatchObject([
    { ...base, type: "A" },
    { ...base, type: "AAAA" },
  ]);
  expect(ofKind(events, "dnsAnswer").map(({ type }) => type)).toEqual(["A", "AAAA"]);
});

test("what comes from the port of name servers and is no DNS is no answer", async () => {
  const serving = namespace.start(`
    const socket = dgram.createSocket("udp4");
    socket.on("message", (_query, from) => socket.send("hello", from.port, from.address));
    socket.bind(53, "${ipv4}", () => say("bound"));
    go().then(() => { socket.close(); end(); });`);
  await serving.line();
  const { events, accounts } = await captureWhile(
    { kinds: ["dnsAnswer", "udpSend"], filter: { networks } },
    async () => {
      await namespace.start(resolver(ipv4, "resolve4", "known.example", 1_000)).ended();
      serving.go();
      await serving.ended();
    },
  );
  expect(ofKind(events, "udpSend").map(({ bytes }) => bytes)).toContain("hello".length);
  expect(ofKind(events, "dnsAnswer")).toEqual([]);
  expect(accounts.dnsAnswer.unreadable).toBe(0);
});

test.each([
  ["IPv4", "udp4", ipv4, ipv4, 4, false, false],
  ["IPv4, connected", "udp4", ipv4, ipv4, 4, false, true],
  ["IPv6", "udp6", ipv6, ipv6, 6, false, false],
  ["IPv6, connected", "udp6", ipv6, ipv6, 6, false, true],
  ["IPv4 over a socket of IPv6", "udp6", `::ffff:${ipv4}`, ipv4, 4, true, false],
] as const)(
  "%s: a datagram is told once, with its bytes",
  async (_what, type, host, address, family, isMapped, connects) => {
    let pid = 0;
    const { events } = await captureWhile({ kinds: ["udpSend"], filter: { networks } }, async () => {
      const target = connects ? "" : `, 4200, "${host}"`;
      const sender = namespace.start(`
      const socket = dgram.createSocket("${type}");
      const send = () => socket.send(Buffer.alloc(321)${target}, () => { socket.close(); end(); });
      ${connects ? `socket.connect(4200, "${host}", send)` : "send()"};`);
      pid = sender.pid;
      await sender.ended();
    });
    const expected = { kind: "udpSend", bytes: 321, family, isMapped, isOwnerKnown: true, subject: { pid } };
    expect(events).toMatchObject([{ ...expected, local: { address }, remote: { address, port: 4200 } }]);
  },
);

test("where no cgroup2 file system is mounted, the capture is refused and says what it lacks", async () => {
  // A network namespace has a mount of /sys of its own, with nothing in it but the kernel's files.
  const actor = namespace.start(`
    const { openCapture } = require(${JSON.stringify(builtAddonPath())});
    const sizes = { ringBytes: 65536, wakeAtBytes: 1024, batchBytes: 65536, batchesInFlight: 8, lookEveryMs: 10 };
    const filter = { pids: [], cgroups: [], users: [], comms: [], ports: [], networks: [], roots: [], paths: [] };
    openCapture({ ...sizes, kinds: ${1 << eventKinds.udpSend}, eventsPerSecond: 0, filter }, () => {})
      .catch((error) => say(error.errno + " " + error.message))
      .then(end);`);
  expect(await actor.line()).toMatch(/^-2 no cgroup2 file system is mounted/);
  await actor.ended();
});
