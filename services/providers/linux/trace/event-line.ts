// An event as a line for people: "sshd[812] open /etc/passwd = 3".
import { constants } from "node:os";
import type { CaptureEvent } from "../capture/decode-event.js";
import type { EventPath } from "../capture/decode-file.js";
import type { Endpoint } from "../capture/decode-network.js";
import { capabilityName } from "./capability-names.js";

const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export function describeEvent(event: CaptureEvent): string {
  const { comm, pid } = event.subject;
  const who = pid === 0 ? "?" : `${comm}[${pid}]`;
  return `${who} ${describeAct(event)}`;
}

function describeAct(event: CaptureEvent): string {
  switch (event.kind) {
    case "exec":
      return `exec ${[event.filename, ...event.argv.slice(1)].join(" ")}${event.cutBytes > 0 ? " …" : ""}`;
    case "fork":
      return `fork ${event.child.pid}${event.child.pid === event.child.tid ? "" : ` thread ${event.child.tid}`}`;
    case "exit":
      return `exit ${event.signal > 0 ? signalName(event.signal) : event.status} after ${span(event.livedNs)}`;
    case "fileOpen":
      return `open ${pathText(event)} = ${outcome(event.result)}`;
    case "fileRename":
      return `rename ${pathText(event.from)} to ${pathText(event.to)} = ${outcome(event.result)}`;
    case "fileUnlink":
      return `${event.isDirectory ? "rmdir" : "unlink"} ${pathText(event)} = ${outcome(event.result)}`;
    case "fileRead":
    case "fileWrite":
      return `${event.kind === "fileRead" ? "read" : "write"} ${pathText(event)} = ${outcome(event.result)}`;
    case "mount":
      return `mount ${event.source} at ${pathText(event)} type ${event.type || "?"} = ${outcome(event.result)}`;
    case "umount":
      return `umount ${pathText(event)} = ${outcome(event.result)}`;
    case "moduleLoad":
      return `load module ${event.isFromMemory ? "from memory" : pathText(event)} = ${outcome(event.result)}`;
    case "signal":
      return `signal ${signalName(event.signal)} to ${event.target.comm}[${event.target.pid}] = ${event.result}`;
    case "oomKill":
      return `killed for want of memory, ${event.anonymousBytes} bytes of its own, by ${event.trigger.comm}[${event.trigger.pid}]`;
    case "capabilityCheck":
      return `capability ${capabilityName(event.capability)} = ${outcome(event.result)}`;
    case "blockIo":
      return `${event.operation} ${event.bytes} bytes of ${event.disk} = ${outcome(event.result)} in ${span(event.latencyNs)}`;
    case "tcpConnect":
      return `connect ${endText(event.remote)} = ${outcome(event.result)}${inTime(event.latencyNs)}`;
    case "tcpAccept":
      return `accept ${endText(event.remote)} at ${endText(event.local)} = ${outcome(event.result)}`;
    case "tcpClose":
      return `close ${endText(event.remote)} sent ${event.sentBytes} received ${event.receivedBytes} bytes${inTime(event.durationNs)}`;
    case "tcpRetransmit":
      return `retransmit to ${endText(event.remote)} in ${event.state}`;
    case "tcpReset":
      return `reset ${event.direction} ${endText(event.remote)}`;
    case "udpSend":
      return `send ${event.bytes} bytes to ${endText(event.remote)}`;
    case "dnsQuery":
      return `ask ${event.type} ${event.name} of ${endText(event.remote)}`;
    case "dnsAnswer":
      return `answer ${event.type} ${event.name} code ${event.code} records ${event.answers}${inTime(event.latencyNs)}`;
  }
}

function pathText({ path, directory }: EventPath): string {
  return directory === undefined ? path : `${directory === "/" ? "" : directory}/${path}`;
}

function endText({ address, port }: Endpoint): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function outcome(result: number): string {
  return result < 0 ? (errnoNames.get(-result) ?? String(result)) : String(result);
}

function signalName(signal: number): string {
  return signalNames.get(signal) ?? `signal ${signal}`;
}

function inTime(nanoseconds: bigint | undefined): string {
  return nanoseconds === undefined ? "" : ` in ${span(nanoseconds)}`;
}

function span(nanoseconds: bigint): string {
  const value = Number(nanoseconds);
  if (value < 1e3) return `${value} ns`;
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} us`;
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} ms` : `${(value / 1e9).toFixed(1)} s`;
}
