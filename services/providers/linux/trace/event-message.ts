// A captured event as the message that travels.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EventKind, TraceEventSchema } from "../../../gen/systemsmanager/trace/v1/event_pb.js";
import type { CaptureEvent, EventSubject } from "../capture/decode-event.js";
import { eventKinds } from "../capture/event-layout.js";
import { Ancestors } from "./ancestry.js";
import { timeOfBoot } from "./boot-clock.js";
import { Containers } from "./containers.js";
import { describeDetail } from "./event-detail.js";

export type EventMessage = MessageInitShape<typeof TraceEventSchema>;

/** What is looked up of processes beside what their events tell. */
export class Surroundings {
  readonly ancestors = new Ancestors();
  readonly containers = new Containers();
}

/** The message of an event; who its ancestors are is looked up now. */
export function toEventMessage(event: CaptureEvent, surroundings: Surroundings): EventMessage {
  const { kind, time, cpu, sequence, subject } = event;
  return {
    kind: eventKinds[kind] as number as EventKind,
    time: timeOfBoot(time),
    cpu,
    sequence,
    process: describeProcess(subject, surroundings),
    detail: describeDetail(event),
  };
}

function describeProcess(
  { pid, tid, start, parent, user, cgroup, comm }: EventSubject,
  { ancestors, containers }: Surroundings,
) {
  return {
    pid,
    tid,
    startTime: timeOfBoot(start),
    parentPid: parent,
    ancestors: ancestors.of(parent),
    userId: user,
    comm,
    cgroupId: cgroup,
    containerId: containers.idOf(cgroup),
  };
}
