// Captures and profiles that are opened, changed, read and closed at once, and one that is left open when the process ends.
// `node --expose-gc storm.cjs ADDON ROUNDS`, under a sanitizer's runtime.
const { spawnSync } = require("node:child_process");
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
    for (let count = 0; count < 3; count++) spawnSync("sh", ["-c", "cat /etc/hostname; true"]);
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
  for (let count = 0; count < 3; count++) spawnSync("sh", ["-c", "cat /etc/hostname; true"]);
  // While it is read.
  await Promise.all([...reads, session.close()]);
}

(async () => {
  for (let round = 0; round < Number(rounds); round++) {
    await Promise.all([
      capture(round),
      capture(round + 1),
      profile(),
      addon.readProcesses(),
      addon.readSocketHolders(),
    ]);
    await openCapture(() => {});
    global.gc();
  }
  await openCapture(() => {});
  console.log("done");
  process.exit(0);
})();
