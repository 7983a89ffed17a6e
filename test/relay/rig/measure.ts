// Measures one relay process with N TLS daemons on this machine: CPU per round trip and host, CPU per (returning) daemon, memory per
// stream. `node measure.js N [ROUNDS] [CONCURRENCY]`
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execaSync } from "execa";
import { hostIdOf } from "../../daemon/simulated-provider.js";
import type { ClientsWord, RelayWord, Usage } from "./messages.js";

const [hosts = 1_000, rounds = 20, concurrency = 50] = process.argv.slice(2).map(Number);
const directory = mkdtempSync(join(tmpdir(), "relay-rig-"));
const key = join(directory, "relay.key");
const certificate = join(directory, "relay.crt");
const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const subject = ["-subj", "/CN=relay", "-addext", "subjectAltName=IP:127.0.0.1"];
execaSync("openssl", ["req", "-x509", "-days", "2", ...curve, ...subject, "-keyout", key, "-out", certificate]);

const script = (name: string) => new URL(`./${name}.js`, import.meta.url).pathname;
const execArgv = ["--expose-gc", ...(process.env.RIG_ARGS?.split(" ") ?? [])];
const relay = fork(script("relay-process"), [key, certificate], { execArgv });
const clients = fork(script("clients-process"), [], { execArgv: [] });

for (const child of [relay, clients]) child.once("exit", (code) => code !== 0 && process.exit(1));

async function next<Word, Key extends string>(process: ChildProcess, name: Key) {
  return new Promise<Extract<Word, Record<Key, unknown>>>((resolve) => {
    const look = (word: object) => {
      if (!(name in word)) return;
      process.off("message", look);
      resolve(word as Extract<Word, Record<Key, unknown>>);
    };
    process.on("message", look);
  });
}

async function usage(collect = false): Promise<Usage> {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const word = next<RelayWord, "usage">(relay, "usage");
  relay.send({ use: true, collect });
  return (await word).usage;
}

async function attach(url: string, hostIds: readonly string[], label: string): Promise<void> {
  const before = await usage();
  const since = performance.now();
  const plan = { url, ca: readFileSync(certificate, "utf8"), hostIds, concurrency, answerBytes: 620 };
  const word = next<ClientsWord, "welcomed">(clients, "welcomed");
  clients.send({ attach: plan });
  const { resumed } = await word;
  const milliseconds = performance.now() - since;
  const after = await usage();
  await usage(true);
  const cpu = (after.cpuMicroseconds - before.cpuMicroseconds) / hosts;
  console.log(`${label}: ${milliseconds.toFixed(0)} ms, ${cpu.toFixed(0)} µs CPU per daemon, ${resumed} resumed`);
}

const { url } = await next<RelayWord, "url">(relay, "url");
const hostIds = Array.from({ length: hosts }, (_, index) => hostIdOf(`rig-${index}`));
await usage(true);
const empty = await usage();
await attach(url, hostIds, "attach");
const attached = await usage();
const kilobytes = (bytes: number) => (bytes / hosts / 1024).toFixed(1);
console.log(
  `RSS per stream ${kilobytes(attached.rssBytes - empty.rssBytes)} KiB, of it heap ${kilobytes(attached.heapBytes - empty.heapBytes)} KiB`,
);

const times: number[] = [];
const ask = async () => {
  const word = next<RelayWord, "answered">(relay, "answered");
  relay.send({ ask: hostIds });
  times.push((await word).milliseconds);
};
for (let round = 0; round < 5; round++) await ask();
times.length = 0;
const before = await usage();
for (let round = 0; round < rounds; round++) await ask();
const after = await usage();
const perHost = (after.cpuMicroseconds - before.cpuMicroseconds) / rounds / hosts;
times.sort((a, b) => a - b);
console.log(
  `round trip of ${hosts}: p50 ${times[rounds >> 1]?.toFixed(0)} ms, max ${times.at(-1)?.toFixed(0)} ms; ` +
    `${perHost.toFixed(1)} µs CPU per host; RSS per stream then ${kilobytes(after.rssBytes - empty.rssBytes)} KiB`,
);

const left = next<ClientsWord, "left">(clients, "left");
clients.send({ leave: true });
await left;
await attach(url, hostIds, "attach again");
relay.disconnect();
clients.disconnect();
rmSync(directory, { recursive: true });
