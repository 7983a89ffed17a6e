// What a session does while it runs: watches, counts, measures or samples, and tells what it has found so far.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TraceEventSchema } from "../../gen/systemsmanager/trace/v1/event_pb.js";
import type { TraceQuestion } from "../../gen/systemsmanager/trace/v1/question_pb.js";
import type { TraceDetail, TraceReadingSchema } from "../../gen/systemsmanager/trace/v1/reading_pb.js";
import type { TraceEventsRequest } from "../../gen/systemsmanager/trace/v1/trace_service_pb.js";

/** Cumulative: figures only grow. */
export type Findings = Pick<
  MessageInitShape<typeof TraceReadingSchema>,
  "accounts" | "events" | "rows" | "otherCount" | "unmatchedCount" | "slots" | "stacks" | "functions" | "notes"
>;

/** Runs from when it was opened until it is closed. */
export interface Investigation {
  readonly backend: "bpf" | "strace" | "simulated";
  /** What its reader should know from the beginning. */
  readonly notes: readonly string[];
  read(): Promise<Findings>;
  /** Costs less from now on; gives how much is still told, which is the same as before when there is no less. */
  degrade(): TraceDetail;
  /** Ends it and gives everything; nothing is left in the kernel. */
  close(): Promise<Findings>;
}

/** Begins to answer a question. Rejects with UNSUPPORTED, PRIVILEGE_MISSING or UNKNOWN_PROCESS. */
export type OpenInvestigation = (question: TraceQuestion) => Promise<Investigation>;

/** An investigation whose events all go to one reader; what that does not take is dropped and counted. */
export interface EventStream extends Investigation {
  /** Ends after close, when all were taken. What `read` calls delivered was given by then; it goes on after close. */
  batches(): AsyncIterable<MessageInitShape<typeof TraceEventSchema>[]>;
}

/** Begins to tell events. Rejects with UNSUPPORTED, PRIVILEGE_MISSING or UNKNOWN_PROCESS. */
export type OpenEventStream = (request: TraceEventsRequest) => Promise<EventStream>;
