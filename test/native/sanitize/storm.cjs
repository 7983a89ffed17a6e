// Captures, counts, profiles and snapshots that are opened, changed, read and closed at once, and sessions that are left to the
// collector and open when the process ends.
// `node --expose-gc storm.cjs ADDON ROUNDS`, under a sanitizer's runtime.
const { spawnSync } = require("node:child_process");
const { closeSync, openSync } = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");

const [addonPath, rounds] = process.argv.slice(2);
const addon = require(addonPath);
const nothing = { pids: [], cgroups: [], users: [], comms: [], ports: [], networks: [], roots: [], paths: [] };
const filters = [
  nothing,
  { ...nothing, comms: ["true"] },
  { ...nothing, roots: [process.pid] },
  { ...nothing, paths: ["/etc"] },
];
// Every kind of events of processes, files, sockets and signals.
const kinds = 0x3fff1e;

// Every kind of row: with a text, of times, and a plain count, of more keys than there is room for.
const [syscall, fileOpen] = [1, 2];
const [byProcess, bySyscall, byPath] = [1, 3, 4];
const countings = [
  { source: fileOpen, by: byPath, measuresLatency: false, mostKeys: 64 },
  { source: syscall, by: bySyscall, measuresLatency: true, mostKeys: 512 },
  { source: syscall, by: byProcess, measuresLatency: false, mostKeys: 4 },
];

const iterators = addon.openIterators();

function runPrograms() {
  for (let count = 0; count < 3; count++) spawnSync("sh", ["-c", "cat /etc/hostname; true"]);
}

function openCapture(onBatch) {
  const sizes = {
    ringBytes: 65_536,
    wakeAtBytes: 4096,
    lookEveryMs: 1,
    batchBytes: 4096,
    batchesInFlight: 2,
    eventsPerSecond: 0,
  };
  return addon.openCapture({ ...sizes, kinds, filter: nothing }, onBatch);
}

async function capture(round) {
  let bytes = 0;
  let digest = 0;
  let end;
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  let session;
  const memories = [];
  session = await openCapture((slot, size, memory) => {
    if (slot === undefined) return end();
    if (memory) memories[slot] = memory;
    // Looked at, so that it is read while others are written.
    for (const byte of new Uint8Array(memories[slot], 0, size)) digest = (digest + byte) | 0;
    bytes += size;
    session?.release(slot);
  });
  for (const filter of filters) {
    session.setFilter(filter);
    session.setEventsPerSecond(round % 2 === 0 ? 0 : 1000);
    runPrograms();
    session.accounts();
    await sleep(1);
  }
  // While batches are on their way.
  const [accounts] = await Promise.all([session.close(), ended]);
  if (accounts.byteLength === 0 || bytes === 0 || digest === 0) throw new Error("the capture told nothing");
}

async function profile() {
  const options = {
    samplesPerSecond: 999,
    mostStacks: 1024,
    mostCounts: 4096,
    pids: new BigUint64Array(0),
    cgroups: new BigUint64Array(0),
  };
  const session = await addon.openProfile(options);
  const reads = [session.read(), session.takeProcesses(), session.read()];
  runPrograms();
  // While it is read.
  await Promise.all([...reads, session.close()]);
}

async function count(counting) {
  const session = await openAggregation(counting);
  const changes = filters.flatMap((filter) => [session.read(), session.setFilter(filter)]);
  runPrograms();
  // While it is read, and its filter changes.
  const [last] = await Promise.all([session.close(), ...changes]);
  const [attempted] = new BigUint64Array(last, 0, 1);
  if (attempted === 0n) throw new Error("the counts told nothing");
}

function openAggregation(counting) {
  return addon.openAggregation({ ...counting, filter: nothing });
}

function snapshots() {
  const own = Uint32Array.of(process.pid);
  const ofBoth = (reader) => [reader.readProcesses(), reader.readProcesses(own), reader.readSocketHolders()];
  const ofSockets = [iterators.readTcpSockets(0), iterators.readUdpSockets(0), iterators.readSocketHolders(own)];
  return [...ofBoth(addon), ...ofBoth(iterators), ...ofSockets];
}

async function findSymbols() {
  const finding = ["elf", "kernel"].map(async (format) => {
    const file = openSync(format === "elf" ? addonPath : "/proc/kallsyms", "r");
    await addon.findSymbols(format, file, BigUint64Array.of(0n, 0x20_000n, 0xffff_ffff_8100_0000n));
    closeSync(file);
  });
  await Promise.all(finding);
}

(async () => {
  for (let round = 0; round < Number(rounds); round++) {
    const sessions = [capture(round), capture(round + 1), profile(), ...countings.map(count)];
    await Promise.all([...sessions, ...snapshots(), findSymbols()]);
    // Nobody closes these.
    await openCapture(() => {});
    await openAggregation(countings[0]);
    global.gc();
  }
  await openAggregation(countings[1]);
  await openCapture(() => {});
  console.log("done");
  process.exit(0);
})();
