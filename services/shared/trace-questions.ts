// What people and agents can ask of a trace, by short names: each is a question of trace.v1.
import type { DescEnum, MessageInitShape } from "@bufbuild/protobuf";
import { EventKind } from "../gen/systemsmanager/trace/v1/event_pb.js";
import {
  TraceKeySchema,
  type TraceQuestionSchema,
  TraceSourceSchema,
} from "../gen/systemsmanager/trace/v1/question_pb.js";
import { enumNames, enumNumber } from "./enum-names.js";
import { ErrorReason, failure } from "./errors.js";

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

/** Questions of one source, counted or measured in the kernel. */
const casesByName = { top: "count", latency: "latency" } as const;

/** The names, "profile", "top" and "latency" among them. */
export const traceNames: readonly string[] = [...Object.keys(kindsByName), "profile", ...Object.keys(casesByName)];

/** What "top" can count; "latency" measures some of them. */
export const traceSources: readonly string[] = enumNames(TraceSourceSchema);

/** What "top" and "latency" can tell apart by. */
export const traceKeys: readonly string[] = enumNames(TraceKeySchema);

/** What goes with "top" and "latency", and with no other name. */
export interface TraceParticulars {
  readonly source?: string | undefined;
  readonly by?: string | undefined;
  /** Most rows. */
  readonly limit?: number | undefined;
}

type Question = NonNullable<MessageInitShape<typeof TraceQuestionSchema>["question"]>;

/** The question of a name. Throws INVALID_ARGUMENT for a name, a source or a key that there is not. */
export function traceQuestion(name: string, particulars: TraceParticulars = {}): Question {
  const { source, by, limit = 0 } = particulars;
  if (Object.hasOwn(casesByName, name)) {
    const value = { source: numberOf("source", source, TraceSourceSchema), by: 0, limit };
    if (by !== undefined) value.by = numberOf("by", by, TraceKeySchema);
    return { case: casesByName[name as keyof typeof casesByName], value };
  }
  const needless = Object.entries(particulars).find(([, value]) => value !== undefined);
  if (needless) throw refuse(needless[0], `${name} takes no ${needless[0]}`, "ask for top or latency with it");
  if (name === "profile") return { case: "profile", value: { samplesPerSecond: profileSamplesPerSecond } };
  if (Object.hasOwn(kindsByName, name))
    return { case: "events", value: { kinds: [...kindsByName[name as keyof typeof kindsByName]] } };
  throw refuse("what", `nothing can be traced by the name "${name}"`, `use one of ${traceNames.join(", ")}`);
}

/** The question of a name, or of words such as "top file_write by path". Throws as traceQuestion does. */
export function traceQuestionOfWords(words: string): Question {
  const [, name, source, by] = /^(\S+)(?: (\S+?))?(?: by (\S+))?$/.exec(words.trim()) ?? [];
  return traceQuestion(name ?? words, { source, by });
}

// Also with dashes, as words of a command line are written.
function numberOf(field: "source" | "by", name: string | undefined, schema: DescEnum): number {
  const number = name === undefined ? undefined : enumNumber(schema, name.replaceAll("-", "_"));
  if (number !== undefined) return number;
  const problem = name === undefined ? `top and latency need a ${field}` : `there is no ${field} "${name}"`;
  throw refuse(field, problem, `use one of ${enumNames(schema).join(", ")}`);
}

function refuse(field: string, problem: string, remedy: string) {
  return failure(ErrorReason.INVALID_ARGUMENT, problem, { metadata: { field }, remedy });
}
