// The relay under measurement, on an embedded bus, as a process of its own. Arguments: key file, certificate file.
import { readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { pino } from "pino";
import { openEmbeddedBus } from "../../../services/bus/embedded/open-embedded-bus.js";
import { letHeapGrow } from "../../../services/cli/roomy-heap.js";
import { ReplyBatchSchema } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { hostIdBytes } from "../../../services/identity/target-tree.js";
import { startRelay } from "../../../services/relay/start-relay.js";
import { fleetId, replyPartition, simulatedFleet, snapshotMethod } from "../simulated-fleet.js";
import type { RelayOrder, RelayWord } from "./messages.js";

letHeapGrow();
const [keyFile, certificateFile] = process.argv.slice(2) as [string, string];

const bus = openEmbeddedBus();
const fleet = await simulatedFleet(bus, undefined, { collect: false });
let answered = 0;
let onAnswer: () => void = () => undefined;
const replies = { topic: "replies", group: "rig", partition: replyPartition, from: "latest" } as const;
await bus.subscribe(replies, async ({ value }) => {
  const { answers, others } = fromBinary(ReplyBatchSchema, value);
  answered += answers.reduce((sum, { hostIds }) => sum + hostIds.length / hostIdBytes, others.length);
  onAnswer();
});
const relay = await startRelay({
  bus,
  fleetId,
  listen: { host: "127.0.0.1", port: 0 },
  tls: { key: readFileSync(keyFile), cert: readFileSync(certificateFile) },
  // The minimal clients send no heartbeats.
  heartbeatIntervalMs: 600_000,
  log: pino({ level: process.env.SYSTEMS_MANAGER_LOG ?? "silent" }),
});

const say = (word: RelayWord) => process.send?.(word);

async function ask(hostIds: readonly string[]) {
  const since = performance.now();
  answered = 0;
  await fleet.send([...hostIds], { method: snapshotMethod, request: new Uint8Array(64) });
  await new Promise<void>((resolve) => {
    onAnswer = () => {
      if (answered >= hostIds.length) resolve();
    };
    onAnswer();
  });
  say({ answered, milliseconds: performance.now() - since });
}

process.on("message", (order: RelayOrder) => {
  if ("ask" in order) void ask(order.ask);
  else {
    const { user, system } = process.cpuUsage();
    if (order.collect) globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    const { attachments } = relay.counters();
    say({ usage: { cpuMicroseconds: user + system, rssBytes: rss, heapBytes: heapUsed, attachments } });
  }
});
process.on("disconnect", () => process.exit());
say({ url: relay.url });
