// One broker: its storage, its process, its end.
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { stopProcess } from "../shared/stop-process.js";
import { type BrokerSettings, brokerProperties } from "./broker-properties.js";

export interface BrokerProcessOptions extends Omit<BrokerSettings, "directory"> {
  /** Of the whole cluster; goes with this process when nobody is left to remove it. */
  readonly directory: string;
  readonly jars: string;
  readonly clusterId: string;
  readonly heapMb: number;
  readonly lasting: boolean;
}

export interface BrokerProcess {
  pid(): number | undefined;
  /** Starts it over its storage, which is made the first time. */
  start(): Promise<void>;
  /** Sends the signal; SIGTERM and SIGKILL wait for the end, SIGSTOP until it stands. */
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void>;
  /** End of what it logged. */
  logTail(): string;
}

/** User of a sasl listener. */
export const saslUser = { username: "tester", password: "tester-password" };

// Files that no compiler takes along, for a benchmark that runs from dist.
const folder = fileURLToPath(new URL("test/kafka/", findPackageRoot()));

/** A broker that does not run yet. */
export function createBroker(options: BrokerProcessOptions): BrokerProcess {
  const own = join(options.directory, `broker-${options.id}`);
  const data = join(own, "data");
  const properties = join(own, "server.properties");
  const logFile = join(own, "broker.log");
  let running: { readonly pid: number; readonly ended: Promise<unknown> } | undefined;

  function java(mainClass: string, ...args: string[]): string[] {
    // The least compiler and collector for a broker that lives for seconds.
    const brief = options.lasting ? [] : ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];
    const flags = [`-Xmx${options.heapMb}m`, "-Xshare:auto", ...brief];
    const logging = `-Dlog4j2.configurationFile=${join(folder, "log4j2.properties")}`;
    return [...flags, logging, "-cp", join(options.jars, "*"), mainClass, ...args];
  }

  async function format() {
    mkdirSync(own, { recursive: true });
    writeFileSync(properties, brokerProperties({ ...options, directory: data }));
    if (options.listener === "sasl") return formatWithUser();
    mkdirSync(data);
    const directoryId = randomBytes(16).toString("base64url");
    const meta = { version: 1, "cluster.id": options.clusterId, "node.id": options.id, "directory.id": directoryId };
    const text = Object.entries(meta).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(data, "meta.properties"), text.join(""));
  }

  // Only Kafka's own tool can write credentials into new storage; it takes two seconds.
  async function formatWithUser() {
    const { username, password } = saslUser;
    const users = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
      "--add-scram",
      `${mechanism}=[name=${username},password=${password}]`,
    ]);
    // An id may begin with a hyphen, which must not look like another option.
    const arguments_ = ["format", `--cluster-id=${options.clusterId}`, "-c", properties, ...users];
    await execa("java", java("kafka.tools.StorageTool", ...arguments_));
  }

  return {
    pid: () => running?.pid,
    async start() {
      if (running) throw new Error(`broker ${options.id} runs already`);
      if (!existsSync(own)) await format();
      const arguments_ = [join(folder, "supervise.sh"), options.directory, "java", ...java("kafka.Kafka", properties)];
      const child = execa("bash", arguments_, {
        stdin: "pipe",
        stdout: ["pipe", { file: logFile, append: true }],
        stderr: { file: logFile, append: true },
        buffer: false,
        reject: false,
        cleanup: false,
      });
      const pid = Number(await firstLine(child.stdout));
      const ended = child.then(() => {
        running = undefined;
      });
      running = { pid, ended };
    },
    async signal(signal) {
      if (!running) return;
      const { pid, ended } = running;
      if (signal === "SIGSTOP") return stopProcess(pid);
      process.kill(pid, signal);
      if (signal === "SIGTERM" || signal === "SIGKILL") await ended;
    },
    logTail: () => readFileSync(logFile, "utf8").slice(-4_000),
  };
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stream });
  for await (const line of lines) {
    // What follows goes to the log file alone.
    stream.resume();
    return line;
  }
  throw new Error("the supervisor of a broker ended before it said its process id");
}
