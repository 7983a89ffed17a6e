// What every platform implements. A function per operation, named and typed by the proto: adding a capability is one rpc
// and one function per platform.
import type { DescMethodUnary, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { HostFacts } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { MutationService } from "../gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import type { TelemetryService } from "../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import type { TraceEventsRequest, TraceEventsResponseSchema } from "../gen/systemsmanager/trace/v1/trace_service_pb.js";
import type { Logger } from "../shared/log.js";

/** What an operation gets beside its request. */
export interface OperationContext {
  /** Aborted at the deadline or when the caller cancels; the operation then ends its programs and throws. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** One operation: takes a valid request, gives its response or throws a `failure(...)`. */
export type OperationHandler<Method extends DescMethodUnary> = (
  request: MessageShape<Method["input"]>,
  context: OperationContext,
) => Promise<MessageInitShape<Method["output"]>>;

/** A handler for each method of a service. */
export type OperationHandlers<Service extends DescService> = {
  [Name in keyof Service["method"]]: Service["method"][Name] extends DescMethodUnary
    ? OperationHandler<Service["method"][Name]>
    : never;
};

/** The responses of one stream; throws a `failure(...)`. */
export type TraceEvents = (
  request: TraceEventsRequest,
  signal: AbortSignal,
) => AsyncIterable<MessageInitShape<typeof TraceEventsResponseSchema>>;

/**
 * One operating system. Handlers may run at the same time, mutations excepted: the daemon runs one at a time. Whoever made the
 * provider closes it, after the last handler returned.
 */
export interface OSProvider {
  readonly platform: "linux" | "windows";
  readonly telemetry: OperationHandlers<typeof TelemetryService>;
  readonly mutation: OperationHandlers<typeof MutationService>;
  /** Events as they happen, until their time is over or the signal is aborted. Absent where there are none. */
  readonly traceEvents?: TraceEvents;
  /** The host's facts but for name, labels and daemon version, which its operator sets. */
  facts(): Promise<Omit<HostFacts, "$typeName" | "$unknown" | "name" | "labels" | "daemonVersion">>;
  close(): Promise<void>;
}
