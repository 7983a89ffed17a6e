// What people and agents can ask of a trace, by short names: each is a question of trace.v1.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { EventKind } from "../gen/systemsmanager/trace/v1/event_pb.js";
import type { TraceQuestionSchema } from "../gen/systemsmanager/trace/v1/question_pb.js";

const kindsByName = {
  exec: [EventKind.EXEC],
  process: [EventKind.EXEC, EventKind.FORK, EventKind.EXIT],
  open: [EventKind.FILE_OPEN],
  write: [EventKind.FILE_WRITE],
  file: [EventKind.FILE_OPEN, EventKind.FILE_RENAME, EventKind.FILE_UNLINK, EventKind.FILE_WRITE],
  tcp: [
    EventKind.TCP_CONNECT,
    EventKind.TCP_ACCEPT,
    EventKind.TCP_CLOSE,
    EventKind.TCP_RETRANSMIT,
    EventKind.TCP_RESET,
  ],
  udp: [EventKind.UDP_SEND],
  dns: [EventKind.DNS_QUERY, EventKind.DNS_ANSWER],
  signal: [EventKind.SIGNAL],
  oom: [EventKind.OOM_KILL],
  capability: [EventKind.CAPABILITY_CHECK],
  module: [EventKind.MODULE_LOAD],
  mount: [EventKind.MOUNT, EventKind.UMOUNT],
  block: [EventKind.BLOCK_IO],
} as const satisfies Record<string, readonly EventKind[]>;

/** Of each CPU, when somebody asks for a profile by its name. */
export const profileSamplesPerSecond = 99;

/** The names, "profile" among them. */
export const traceNames: readonly string[] = [...Object.keys(kindsByName), "profile"];

/** The question of a name; undefined when no question has it. */
export function traceQuestion(name: string): MessageInitShape<typeof TraceQuestionSchema>["question"] | undefined {
  if (name === "profile") return { case: "profile", value: { samplesPerSecond: profileSamplesPerSecond } };
  if (!Object.hasOwn(kindsByName, name)) return undefined;
  return { case: "events", value: { kinds: [...kindsByName[name as keyof typeof kindsByName]] } };
}
