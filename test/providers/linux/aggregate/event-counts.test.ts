// Programs that are really executed, connections that are really made, and requests that a loop device really gets.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { waitFor } from "../../../shared/wait-for.js";
import { block4, ipv4, ipv6, NetworkNamespace, networks } from "../capture/network-under-test.js";
import { describe, test } from "../require-tracing.js";
import { countsOf, countWhile, sum, withDoers } from "./aggregation-under-test.js";

test.each([
  ["path", "/bin/true", "/bin/false"],
  ["comm", "true", "false"],
] as const)("programs by %s: of one process tree, and no others", async (by, first, second) => {
  await withDoers(2, async ([root, left]) => {
    const question = { source: "exec", by, measure: "count", filter: { roots: [root?.pid as number] } } as const;
    const reading = await countWhile(question, async () => {
      await left?.do('system("/bin/true") for (1..4)');
      await root?.do('system("/bin/true") for (1..7); system("/bin/false") for (1..3)');
    });
    expect(countsOf(reading)).toEqual([
      [first, 7],
      [second, 3],
    ]);
  });
});

describe("TCP", () => {
  const namespace = NetworkNamespace.withSilentNeighbour();
  // Where no connection of another test sends anything again.
  const quiet = NetworkNamespace.withSilentNeighbour();
  afterAll(() => {
    namespace.remove();
    quiet.remove();
  });

  const server = (port: number, connections: number) => `
    let left = ${connections};
    const server = net.createServer((socket) => {
      socket.resume().on("error", () => {});
      if (--left === 0) server.close();
    });
    server.listen(${port}, "::", () => say("listening")).on("close", end);`;
  // One after the other; where nobody listens, too.
  const client = (port: number, host: string, times: number) => `
    go().then(async () => {
      for (let time = 0; time < ${times}; time++) {
        const socket = net.connect(${port}, "${host}").on("error", () => {});
        socket.on("connect", () => socket.end());
        await new Promise((resolve) => socket.resume().on("close", resolve));
      }
      end();
    });`;

  async function connect(port: number, times: readonly (readonly [string, number])[], refused = 0): Promise<number[]> {
    const total = sum(times.map(([, count]) => count));
    const serving = namespace.start(server(port, total));
    await serving.line();
    const clients = times.map(([host, count]) => namespace.start(client(port, host, count)));
    const vain = namespace.start(client(port + 1, ipv4, refused));
    for (const each of [...clients, vain]) each.go();
    await Promise.all([serving, ...clients, vain].map((each) => each.ended()));
    return [serving.pid, ...clients.map(({ pid }) => pid)];
  }

  test("connects by remote end; those that were refused are none", async () => {
    const question = { source: "tcpConnect", by: "remote", measure: "count", filter: { networks } } as const;
    const both = [
      [ipv4, 6],
      [ipv6, 4],
    ] as const;
    const reading = await countWhile(question, () => connect(4201, both, 3));
    expect(countsOf(reading)).toEqual([
      [`${ipv4}:4201`, 6],
      [`[${ipv6}]:4201`, 4],
    ]);
    expect(reading.filtered).toBeGreaterThanOrEqual(3);
  });

  test("accepts by process are the server's", async () => {
    let pids: number[] = [];
    const question = { source: "tcpAccept", by: "process", measure: "count", filter: { ports: [4203] } } as const;
    const reading = await countWhile(question, async () => {
      pids = await connect(4203, [[ipv4, 5]]);
    });
    expect(reading.rows).toMatchObject([{ key: { pid: pids[0] }, count: 5 }]);
  });

  test("segments that are sent again, by remote end, are as many as the kernel counts", async () => {
    let sentAgain = 0;
    const remote = `${block4}.66`;
    const question = { source: "tcpRetransmit", by: "remote", measure: "count", filter: { networks } } as const;
    const reading = await countWhile(question, async () => {
      const before = quiet.segmentsSentAgain();
      const connecting = quiet.start(client(4205, remote, 1));
      connecting.go();
      await connecting.ended();
      sentAgain = quiet.segmentsSentAgain() - before;
    });
    expect(sentAgain).toBeGreaterThan(0);
    expect(countsOf(reading)).toEqual([[`${remote}:4205`, sentAgain]]);
  });

  test("a connect whose first packet is lost takes as long as the second attempt", async () => {
    const far = new NetworkNamespace();
    try {
      const [address, link] = [`${block4}.66`, "02:00:00:00:00:67"];
      namespace.ip("link", "set", "right", "netns", far.name);
      far.ip("link", "set", "right", "address", link, "up");
      far.ip("address", "add", `${address}/26`, "dev", "right");
      const serving = far.start(server(4207, 1));
      await serving.line();
      const question = { source: "tcpConnect", by: "comm", measure: "latency", filter: { ports: [4207] } } as const;
      const reading = await countWhile(question, async () => {
        const connecting = namespace.start(client(4207, address, 1));
        connecting.go();
        await waitFor(() => namespace.hasConnecting(), "the first packet");
        namespace.ip("neighbour", "replace", address, "lladdr", link, "dev", "left");
        await Promise.all([connecting.ended(), serving.ended()]);
      });
      expect(reading).toMatchObject({ rows: [{ key: { text: "node" }, count: 1 }], unmatched: 0 });
      const { sum: nanoseconds = 0, slots = [] } = reading.rows[0] ?? {};
      // A second and a little: about 2^30 nanoseconds.
      expect(nanoseconds).toBeGreaterThan(0.99e9);
      expect(nanoseconds).toBeLessThan(2e9);
      expect([slots[29], slots[30]]).toContain(1);
      expect(reading.slots).toEqual(slots);
    } finally {
      far.remove();
    }
  });
});

describe("block I/O", () => {
  const directory = mkdtempSync(join(tmpdir(), "block-counts-"));
  const devices: string[] = [];
  beforeAll(() => {
    for (const name of ["one", "two"]) {
      const image = join(directory, name);
      writeFileSync(image, "");
      truncateSync(image, 1024 * 1024);
      devices.push(execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim());
    }
  });
  afterAll(() => {
    for (const device of devices) execFileSync("losetup", ["--detach", device]);
    rmSync(directory, { recursive: true });
  });
  const readFrom = (device: string, count: number) =>
    spawnSync("dd", ["iflag=direct", `count=${count}`, "bs=4096", `if=${device}`, "of=/dev/null"]);

  test("by device: requests and bytes", async () => {
    const question = { source: "blockIo", by: "device", measure: "count", filter: { comms: ["dd"] } } as const;
    const [one = "", two = ""] = devices;
    const reading = await countWhile(question, () => {
      readFrom(one, 11);
      readFrom(two, 3);
    });
    const ours = reading.rows.filter(({ key }) => devices.some((device) => basename(device) === key.text));
    expect(ours.map(({ key, count, sum: bytes }) => [key.text, count, bytes]).sort()).toEqual(
      [
        [basename(one), 11, 11 * 4096],
        [basename(two), 3, 3 * 4096],
      ].sort(),
    );
  });

  test("latencies are as many as requests, and together not longer than it took", async () => {
    const question = { source: "blockIo", by: "comm", measure: "latency", filter: { comms: ["dd"] } } as const;
    const started = performance.now();
    const reading = await countWhile(question, () => readFrom(devices[0] as string, 20));
    expect(reading.rows).toMatchObject([{ key: { text: "dd" } }]);
    expect(reading.total).toBeGreaterThanOrEqual(20);
    expect(reading.rows[0]?.sum).toBeLessThan((performance.now() - started) * 1e6);
    expect(sum(reading.slots ?? [])).toBe(reading.total);
  });
});
