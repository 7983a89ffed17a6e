// The particulars of each kind of event.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EventPathSchema } from "../../../gen/systemsmanager/trace/v1/event_file_pb.js";
import type { TraceEventSchema } from "../../../gen/systemsmanager/trace/v1/event_pb.js";
import type { CaptureEvent } from "../capture/decode-event.js";
import type { EventPath } from "../capture/decode-file.js";
import type { SocketEnds } from "../capture/decode-network.js";
import { durationOf, timeOfBoot } from "./boot-clock.js";
import { capabilityName } from "./capability-names.js";

type Detail = NonNullable<MessageInitShape<typeof TraceEventSchema>["detail"]>;

export function describeDetail(event: CaptureEvent): Detail {
  switch (event.kind) {
    case "exec": {
      const { filename, argv, cutBytes } = event;
      return { case: "exec", value: { filename, argv: [...argv], cutBytes } };
    }
    case "fork": {
      const { pid, tid, start } = event.child;
      return { case: "fork", value: { pid, tid, startTime: timeOfBoot(start) } };
    }
    case "exit": {
      const { livedNs, status, signal, isProcess } = event;
      return { case: "exit", value: { lived: durationOf(livedNs), status, signal, isProcess } };
    }
    case "fileOpen":
      return { case: "file", value: { ...fileOf(event), flags: event.flags, mode: event.mode } };
    case "fileRename": {
      const { from, to, result, flags } = event;
      return { case: "file", value: { path: pathOf(from), to: pathOf(to), result: BigInt(result), flags } };
    }
    case "fileUnlink":
      return { case: "file", value: { ...fileOf(event), isDirectory: event.isDirectory } };
    case "fileRead":
    case "fileWrite":
      return { case: "file", value: { ...fileOf(event), descriptor: event.descriptor } };
    case "mount": {
      const { source, type, flags, result } = event;
      return { case: "mount", value: { target: pathOf(event), source, filesystem: type, flags, result } };
    }
    case "umount":
      return { case: "mount", value: { target: pathOf(event), flags: event.flags, result: event.result } };
    case "moduleLoad": {
      const { isFromMemory, parameters, result } = event;
      return { case: "module", value: { path: pathOf(event), fromMemory: isFromMemory, parameters, result } };
    }
    case "signal": {
      const { target, signal, code, result, isFromKernel } = event;
      const who = { targetPid: target.pid, targetTid: target.tid, targetComm: target.comm };
      const value = {
        ...who,
        targetStartTime: timeOfBoot(target.start),
        signal,
        code,
        result,
        fromKernel: isFromKernel,
      };
      return { case: "signal", value };
    }
    case "oomKill": {
      const { kind: _, time: __, cpu: ___, sequence: ____, subject: _____, memoryCgroup, trigger, ...sizes } = event;
      const origin = { memoryCgroupId: memoryCgroup, triggerPid: trigger.pid, triggerComm: trigger.comm };
      return { case: "oomKill", value: { ...sizes, ...origin } };
    }
    case "capabilityCheck": {
      const { capability, result, userNamespace } = event;
      return { case: "capability", value: { capability, name: capabilityName(capability), result, userNamespace } };
    }
    case "blockIo": {
      const { disk, operation, sector, bytes, latencyNs, result, major, minor } = event;
      return {
        case: "blockIo",
        value: { disk, operation, sector, bytes, latency: durationOf(latencyNs), result, major, minor },
      };
    }
    case "dnsQuery":
    case "dnsAnswer":
      return { case: "dns", value: dnsOf(event) };
    default:
      return { case: "socket", value: { ...endsOf(event), ...socketOf(event) } };
  }
}

type EventOf<Kind extends CaptureEvent["kind"]> = Extract<CaptureEvent, { kind: Kind }>;

function fileOf(file: EventPath & { readonly result: number }) {
  return { path: pathOf(file), result: BigInt(file.result) };
}

function pathOf({ path, isResolved, directory = "" }: EventPath): MessageInitShape<typeof EventPathSchema> {
  return { path, resolved: isResolved, directory };
}

function endsOf({ local, remote, isOwnerKnown }: SocketEnds) {
  return { local, remote, ownerUnknown: !isOwnerKnown };
}

function dnsOf(event: EventOf<"dnsQuery" | "dnsAnswer">) {
  const { local, remote, name, type, id, isCut } = event;
  const question = { local, remote, name, type, id, cut: isCut };
  if (event.kind === "dnsQuery") return question;
  const { code, answers, isTruncated, latencyNs } = event;
  return {
    ...question,
    code,
    answers,
    truncated: isTruncated,
    ...(latencyNs === undefined ? {} : { latency: durationOf(latencyNs) }),
  };
}

type SocketEvent = EventOf<"tcpConnect" | "tcpAccept" | "tcpClose" | "tcpRetransmit" | "tcpReset" | "udpSend">;

function socketOf(event: SocketEvent) {
  switch (event.kind) {
    case "tcpConnect":
      return { result: event.result, remoteGiven: event.isRemoteGiven, ...lasted(event.latencyNs) };
    case "tcpAccept":
      return { result: event.result, ...lasted(event.waitedNs) };
    case "tcpClose": {
      const { result, sentBytes, receivedBytes, retransmits, durationNs } = event;
      return { result, sentBytes, receivedBytes, retransmits, ...lasted(durationNs) };
    }
    case "tcpRetransmit":
      return { state: event.state, retransmits: event.retransmits };
    case "tcpReset":
      return { state: event.state ?? "", received: event.direction === "received" };
    case "udpSend":
      return { sentBytes: BigInt(event.bytes) };
  }
}

function lasted(nanoseconds: bigint | undefined) {
  return nanoseconds === undefined ? {} : { duration: durationOf(nanoseconds) };
}
