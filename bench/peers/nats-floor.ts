// The floor: what the same question costs over bare NATS. See nats-floor/main.go.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { type BenchProcess, startProcess } from "../rig/bench-process.js";

export interface NatsFloor {
  /** The server and whoever asks. */
  readonly centre: readonly number[];
  readonly hosts: readonly number[];
  /** Milliseconds in which all hosts attached. */
  readonly attachMs: number;
  /** Milliseconds from the question to the last reply. Throws when one is missing. */
  ask(): Promise<number>;
  close(): Promise<void>;
}

const hostsPerProcess = 10_000;
const source = fileURLToPath(new URL("bench/peers/nats-floor", findPackageRoot()));

/** Where the program is, built when it is not there yet; or why it cannot be had. */
export async function buildNatsFloor(): Promise<{ program: string } | { absent: string }> {
  try {
    await execa("go", ["version"]);
  } catch {
    return { absent: "go is not installed" };
  }
  const files = readdirSync(source).sort();
  const digest = createHash("sha256");
  for (const file of files) digest.update(file).update(readFileSync(join(source, file)));
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "systems-manager/nats-floor");
  const program = join(cache, digest.digest("hex").slice(0, 16));
  if (existsSync(program)) return { program };
  mkdirSync(cache, { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  const { failed, stderr } = await execa("go", ["build", "-o", unfinished, "."], { cwd: source, reject: false });
  if (failed) return { absent: `go build failed: ${stderr.trim().split("\n").at(-1)}` };
  renameSync(unfinished, program);
  return { program };
}

/** Starts the server, attaches so many hosts and gets ready to ask. */
export async function startNatsFloor(program: string, count: number, directory: string): Promise<NatsFloor> {
  const started: BenchProcess[] = [];
  const start = (name: string, args: readonly string[]) => {
    const child = startProcess({ name, program, args, logDirectory: join(directory, "logs") });
    started.push(child);
    return child;
  };
  const close = async () => {
    for (const child of started.reverse()) await child.stop("SIGTERM");
  };
  try {
    const server = start("nats-server", ["serve"]);
    const { url, ca } = await server.waitFor("served", parseJson<{ url: string; ca: string }>);
    const authority = join(directory, "nats-ca.pem");
    writeFileSync(authority, ca);
    const hosts: BenchProcess[] = [];
    const begin = performance.now();
    for (let first = 0; first < count; first += hostsPerProcess) {
      const number = Math.min(hostsPerProcess, count - first);
      const child = start(`nats-hosts-${first}`, ["hosts", url, authority, String(first), String(number)]);
      await child.waitFor("attached", parseJson);
      hosts.push(child);
    }
    const attachMs = performance.now() - begin;
    const asker = start("nats-asker", ["ask", url, authority]);
    await asker.waitFor("was ready", parseJson);
    return {
      centre: [server.pid, asker.pid],
      hosts: hosts.map(({ pid }) => pid),
      attachMs,
      ask: () => askOnce(asker, count),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function askOnce(asker: BenchProcess, count: number): Promise<number> {
  asker.write(String(count));
  const { milliseconds, replies } = await asker.waitFor(
    "had all replies",
    parseJson<{ milliseconds: number; replies: number }>,
  );
  if (replies !== count) throw new Error(`the floor got ${replies} replies of ${count} hosts`);
  return milliseconds;
}

function parseJson<Value>(line: string): Value | undefined {
  return line.startsWith("{") ? (JSON.parse(line) as Value) : undefined;
}
