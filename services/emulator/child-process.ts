// A process of the emulator: emulates its share of the hosts until its parent says stop, or is gone.
import { verifyingKeyFromPem } from "../identity/signing-key.js";
import { createLogger } from "../shared/log.js";
import { startTracing, type Tracing } from "../tracing/start-tracing.js";
import { type EmulatedHosts, emulateHosts } from "./emulate-hosts.js";
import type { ChildMessage, ChildOptions, ParentMessage } from "./process-messages.js";

const reportEveryMs = 1_000;

let tracing: Tracing | undefined;
let hosts: EmulatedHosts | undefined;

process.on("message", (message: ParentMessage) => {
  if (message.type === "start") void start(message.options).catch(fail);
  if (message.type === "faults") hosts?.setFaults(message.faults);
  if (message.type === "kill") hosts?.kill(message.order);
  if (message.type === "stop") void stop().catch(fail);
});
// The parent was killed, or is done with this child.
process.on("disconnect", () => process.exit(hosts ? 1 : 0));
// Ctrl-C reaches the whole group; the parent says when to stop.
process.on("SIGINT", () => undefined);

async function start({ verifyingKey, relayCa, ...options }: ChildOptions): Promise<void> {
  // Thousands of daemons that each tell what they do would tell nobody anything.
  const log = createLogger("emulator");
  log.level = process.env.SYSTEMS_MANAGER_LOG ?? "error";
  tracing = await startTracing({ part: "emulator", passesOn: false, log });
  hosts = await emulateHosts({
    ...options,
    verifyingKey: verifyingKeyFromPem(verifyingKey),
    ...(relayCa === undefined ? {} : { tls: { ca: relayCa } }),
    log,
  });
  hosts.started.catch(fail);
  setInterval(report, reportEveryMs);
}

function report(): void {
  if (hosts) send({ type: "counters", counters: hosts.counters() });
}

async function stop(): Promise<void> {
  await hosts?.close();
  await tracing?.close();
  report();
  hosts = undefined;
  process.disconnect();
}

function fail(error: unknown): void {
  send({ type: "failed", message: error instanceof Error ? error.message : String(error) });
}

function send(message: ChildMessage): void {
  process.send?.(message);
}
