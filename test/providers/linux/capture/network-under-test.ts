// A network namespace with programs in it that connect, listen and send; its addresses are used nowhere else, so that a filter by
// them shows what the programs did and nothing of the machine's own traffic.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { CaptureEvent } from "../../../../services/providers/linux/capture/decode-event.js";
import { cannotTrace } from "../require-tracing.js";

// Each test file has addresses of its own (of RFC 2544 and RFC 3849): files run side by side, each in a worker with a number of its own.
const worker = Number(process.env.VITEST_POOL_ID ?? 0) & 3;
const number = ((process.pid & 127) << 2) | worker;
export const block4 = `198.${18 + (number >> 8)}.${number & 255}`;
export const block6 = `2001:db8:${(1 + (process.pid & 0x7fff)).toString(16)}`;
export const networks = [`${block4}.0/24`, `${block6}::/48`];
export const ipv4 = `${block4}.1`;
export const otherIpv4 = `${block4}.129`;
export const ipv6 = `${block6}::1`;

/** A Node.js program that runs. */
export interface Actor {
  readonly pid: number;
  /** The next line that it wrote. */
  line(): Promise<string>;
  /** Lets it go on where it waits for `go()`. */
  go(): void;
  /** Resolves when it ended by itself with status 0. */
  ended(): Promise<void>;
}

let count = 0;

export class NetworkNamespace {
  readonly name = `sm-test-${process.pid}-${count++}`;
  readonly #children: ChildProcess[] = [];

  constructor() {
    run("ip", ["netns", "add", this.name]);
    this.ip("link", "set", "lo", "up");
  }

  /** With all addresses on its loopback device. */
  static alone(): NetworkNamespace {
    const namespace = new NetworkNamespace();
    for (const address of [ipv4, otherIpv4]) namespace.ip("address", "add", `${address}/32`, "dev", "lo");
    namespace.ip("address", "add", `${ipv6}/128`, "dev", "lo", "nodad");
    return namespace;
  }

  /** The same with a line on which `block4`.65 asks a neighbour, `block4`.66, that takes nothing; connecting to it is tried twice. */
  static withSilentNeighbour(): NetworkNamespace {
    const namespace = NetworkNamespace.alone();
    namespace.run("sysctl", "-qw", "net.ipv4.tcp_syn_retries=1");
    namespace.ip("link", "add", "left", "type", "veth", "peer", "name", "right");
    namespace.ip("address", "add", `${block4}.65/26`, "dev", "left");
    namespace.ip("link", "set", "left", "up");
    namespace.ip("link", "set", "right", "up");
    namespace.ip("neighbour", "add", `${block4}.66`, "lladdr", "02:00:00:00:00:66", "dev", "left");
    return namespace;
  }

  ip(...words: string[]): void {
    run("ip", ["-n", this.name, ...words]);
  }

  /** Runs a program in it to its end. */
  run(...words: string[]): void {
    run("ip", ["netns", "exec", this.name, ...words]);
  }

  /** The kernel's own count of segments that were sent again. */
  segmentsSentAgain(): number {
    const [names = [], values = []] = this.#read("/proc/net/snmp").flatMap((line) =>
      line.startsWith("Tcp:") ? [line.split(" ")] : [],
    );
    return Number(values[names.indexOf("RetransSegs")]);
  }

  /** Whether a connection waits for the answer to its first packet. */
  hasConnecting(): boolean {
    const synSent = "02";
    return this.#read("/proc/net/tcp").some((line) => line.trim().split(/\s+/)[3] === synSent);
  }

  #read(file: string): string[] {
    return execFileSync("ip", ["netns", "exec", this.name, "cat", file], { encoding: "utf8" }).split("\n");
  }

  /** `say(value)` writes a line; `go()` is a promise of the next time that the test says so. */
  start(script: string, environment: NodeJS.ProcessEnv = {}): Actor {
    const child = spawn("ip", ["netns", "exec", this.name, process.execPath, "-e", preamble + script], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...environment },
    });
    this.#children.push(child);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const exit = once(child, "exit");
    return {
      pid: child.pid ?? 0,
      line: async () => {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${script} ended without a word`);
        return value;
      },
      go: () => child.stdin.write("\n"),
      ended: async () => {
        const [status, signal] = await exit;
        if (status !== 0) throw new Error(`${script} ended with ${status ?? signal}`);
      },
    };
  }

  remove(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    run("ip", ["netns", "delete", this.name]);
  }
}

const preamble = `
  const net = require("node:net");
  const dgram = require("node:dgram");
  const { once } = require("node:events");
  const say = (value) => console.log(value);
  const lines = require("node:readline").createInterface(process.stdin);
  const waiting = [];
  let ready = 0;
  lines.on("line", () => (waiting.length ? waiting.shift()() : ready++));
  const go = () => (ready > 0 ? Promise.resolve(ready--) : new Promise((resolve) => waiting.push(resolve)));
  const end = () => lines.close();
`;

// Files make their namespaces while they are loaded, even where all of their tests are skipped.
function run(program: string, words: string[]): void {
  if (cannotTrace !== undefined) return;
  const { status, stderr } = spawnSync(program, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr}`);
}

/** Listens, takes so many connections, answers each with so many bytes when the other side is through. */
export function serverScript(port: number, { host = "::", connections = 1, reply = 0 } = {}): string {
  return `
    let left = ${connections};
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      if (--left === 0) server.close();
      socket.resume().on("error", () => {}).on("end", () => socket.end(Buffer.alloc(${reply})));
    });
    server.listen(${port}, "${host}", () => say("listening"));
    server.on("close", end);`;
}

/** Connects when told, sends so many bytes, and says what came of it. */
export function clientScript(port: number, host: string, bytes = 0): string {
  return `
    go().then(() => {
      const socket = net.connect(${port}, "${host}");
      socket.on("connect", () => socket.end(Buffer.alloc(${bytes}))).resume();
      socket.on("error", () => {}).on("close", end);
    });`;
}

type EventOf<Kind extends CaptureEvent["kind"]> = Extract<CaptureEvent, { kind: Kind }>;

export function ofKind<Kind extends CaptureEvent["kind"]>(events: readonly CaptureEvent[], kind: Kind) {
  return events.filter((event): event is EventOf<Kind> => event.kind === kind);
}
