// Segments that are really lost on a line between two namespaces, and connections that are really reset.
import { afterAll, expect } from "vitest";
import { waitFor } from "../../../shared/wait-for.js";
import { test } from "../require-tracing.js";
import { captureWhile } from "./capture-under-test.js";
import {
  block4,
  clientScript,
  ipv4,
  ipv6,
  NetworkNamespace,
  networks,
  ofKind,
  serverScript,
} from "./network-under-test.js";

const near = NetworkNamespace.alone();
const far = new NetworkNamespace();
const nearAddress = `${block4}.65`;
const farAddress = `${block4}.66`;
const nearLink = "02:00:00:00:00:65";
const farLink = "02:00:00:00:00:66";
near.ip("link", "add", "line", "address", nearLink, "type", "veth", "peer", "name", "line", "netns", far.name);
for (const [namespace, address] of [
  [near, nearAddress],
  [far, farAddress],
] as const) {
  namespace.ip("address", "add", `${address}/26`, "dev", "line");
  namespace.ip("link", "set", "line", "up");
}
far.ip("link", "set", "line", "address", farLink);
aim(near, farAddress, farLink);
aim(far, nearAddress, nearLink);
afterAll(() => {
  near.remove();
  far.remove();
});

// Frames to anything but the other end's own address are lost.
function aim(namespace: NetworkNamespace, address: string, link: string): void {
  namespace.ip("neighbour", "replace", address, "lladdr", link, "nud", "permanent", "dev", "line");
}

test("segments that are lost are told with their connection and its process, and counted when it closes", async () => {
  const server = far.start(serverScript(4101));
  await server.line();
  let pid = 0;
  const kinds = ["tcpRetransmit", "tcpClose"] as const;
  const { events } = await captureWhile({ kinds, filter: { networks } }, async () => {
    const client = near.start(`
      const socket = net.connect(4101, "${farAddress}", async () => {
        say("connected");
        await go();
        socket.end(Buffer.alloc(1000)).resume().on("close", end);
      });`);
    pid = client.pid;
    await client.line();
    aim(near, farAddress, "02:00:00:00:00:99");
    const before = near.segmentsSentAgain();
    client.go();
    await waitFor(() => near.segmentsSentAgain() > before, "a segment to be sent again");
    aim(near, farAddress, farLink);
    await Promise.all([client.ended(), server.ended()]);
  });
  const again = ofKind(events, "tcpRetransmit");
  expect(again.length).toBeGreaterThan(0);
  const ends = { local: { address: nearAddress }, remote: { address: farAddress, port: 4101 } };
  for (const event of again) {
    // It had sent its end, too.
    expect(event).toMatchObject({ ...ends, state: "finWait1", isOwnerKnown: true, subject: { pid } });
  }
  const last = again.at(-1)?.retransmits;
  const close = ofKind(events, "tcpClose").find(({ remote }) => remote.port === 4101);
  expect(close).toMatchObject({ ...ends, sentBytes: 1000n, receivedBytes: 0n, retransmits: last, subject: { pid } });
});

test("an answer to a first packet that is lost is its listener's", async () => {
  let pid = 0;
  const { events } = await captureWhile({ kinds: ["tcpRetransmit"], filter: { ports: [4102] } }, async () => {
    const server = far.start(serverScript(4102, { host: farAddress }));
    pid = server.pid;
    await server.line();
    aim(far, nearAddress, "02:00:00:00:00:99");
    const client = near.start(clientScript(4102, farAddress));
    const before = far.segmentsSentAgain();
    client.go();
    await waitFor(() => far.segmentsSentAgain() > before, "an answer to be sent again");
    aim(far, nearAddress, nearLink);
    await Promise.all([client.ended(), server.ended()]);
  });
  const answers = ofKind(events, "tcpRetransmit").filter(({ state }) => state === "newSynReceived");
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.map(({ retransmits }) => retransmits)).toEqual(answers.map((_, index) => index + 1));
  for (const event of answers) {
    expect(event).toMatchObject({ local: { address: farAddress, port: 4102 }, remote: { address: nearAddress } });
    expect(event).toMatchObject({ isOwnerKnown: true, subject: { pid } });
  }
});

test.each([
  ["IPv4", ipv4],
  ["IPv6", ipv6],
])(
  "%s: where nobody listens, the reset is nobody's for one side and its process's for the other",
  async (_, address) => {
    let pid = 0;
    const { events } = await captureWhile({ kinds: ["tcpReset"], filter: { networks } }, async () => {
      const client = near.start(clientScript(4103, address));
      pid = client.pid;
      client.go();
      await client.ended();
    });
    const closed = { address, port: 4103 };
    expect(ofKind(events, "tcpReset")).toMatchObject([
      {
        direction: "sent",
        local: closed,
        remote: { address },
        state: undefined,
        isOwnerKnown: false,
        subject: { pid: 0 },
      },
      {
        direction: "received",
        local: { address },
        remote: closed,
        state: "synSent",
        isOwnerKnown: true,
        subject: { pid },
      },
    ]);
  },
);

test("a connection that its process resets is told by both sides, and closes with the errno on the other", async () => {
  let [client, server] = [0, 0];
  const { events } = await captureWhile({ kinds: ["tcpReset", "tcpClose"], filter: { networks } }, async () => {
    const serving = near.start(`
      const server = net.createServer((socket) => {
        server.close();
        socket.on("error", () => {}).on("close", end).write("taken");
      });
      server.listen(4104, "${ipv4}", () => say("listening"));`);
    await serving.line();
    const script = `
      const socket = net.connect(4104, "${ipv4}").on("data", () => {
        socket.resetAndDestroy();
        end();
      });`;
    const connecting = near.start(script);
    [client, server] = [connecting.pid, serving.pid];
    await Promise.all([connecting.ended(), serving.ended()]);
  });
  const isOwnerKnown = true;
  const served = { local: { port: 4104 }, isOwnerKnown, subject: { pid: server } };
  const connected = { remote: { port: 4104 }, isOwnerKnown, subject: { pid: client } };
  const resets = ofKind(events, "tcpReset");
  expect(resets).toHaveLength(2);
  expect(resets.find(({ direction }) => direction === "sent")).toMatchObject(connected);
  expect(resets.find(({ direction }) => direction === "received")).toMatchObject({ ...served, state: "established" });
  const closes = ofKind(events, "tcpClose");
  expect(closes).toHaveLength(2);
  expect(closes.find(({ local }) => local.port === 4104)).toMatchObject({ ...served, result: -104 });
  expect(closes.find(({ local }) => local.port !== 4104)).toMatchObject({ ...connected, result: 0 });
});
