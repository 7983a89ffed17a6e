// The one public error type: a ConnectError that carries an ErrorDetail. Messages say what failed, with which value;
// the remedy says what to do about it.
import { create, getOption } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  type ErrorDetail,
  ErrorDetailSchema,
  ErrorReason,
  ErrorReasonSchema,
} from "../gen/systemsmanager/errors/v1/error_reason_pb.js";
import { status_code } from "../gen/systemsmanager/options/v1/options_pb.js";

export { ErrorReason };

export interface FailureOptions {
  /** Values that the reason's comment in error_reason.proto lists, by name. */
  metadata?: Record<string, string>;
  /** What to do about it, one sentence. */
  remedy?: string;
  cause?: unknown;
}

/** Makes an error to throw. The gRPC code comes from the reason's option in error_reason.proto. */
export function failure(reason: ErrorReason, message: string, options: FailureOptions = {}): ConnectError {
  const detail = create(ErrorDetailSchema, {
    reason,
    metadata: options.metadata ?? {},
    remedy: options.remedy ?? "",
  });
  return failureOf(options.remedy ? `${message}; ${options.remedy}` : message, detail, options.cause);
}

/** Makes the error again that travelled as its message and detail. */
export function failureOf(message: string, detail: ErrorDetail, cause?: unknown): ConnectError {
  const details = [{ desc: ErrorDetailSchema, value: detail }];
  return new ConnectError(message, codeOf(detail.reason), undefined, details, cause);
}

/** The ErrorDetail of any error; INTERNAL, or the reason nearest to its code, when it carries none. */
export function errorDetailOf(error: unknown): ErrorDetail {
  const connectError = ConnectError.from(error);
  const [detail] = connectError.findDetails(ErrorDetailSchema);
  return detail ?? create(ErrorDetailSchema, { reason: reasonOfCode(connectError.code) });
}

/** What failed and what to do about it, apart; for an error that says no remedy that is empty. */
export function explainError(error: unknown): { readonly what: string; readonly remedy: string } {
  const { remedy } = errorDetailOf(error);
  const message = ConnectError.from(error).rawMessage;
  const ending = `; ${remedy}`;
  return { what: remedy !== "" && message.endsWith(ending) ? message.slice(0, -ending.length) : message, remedy };
}

/** True when the error carries this reason. */
export function hasReason(error: unknown, reason: ErrorReason): boolean {
  return errorDetailOf(error).reason === reason;
}

/** The reason's name as documented: "UNKNOWN_HOST". */
export function reasonName(reason: ErrorReason): string {
  const value = ErrorReasonSchema.value[reason];
  return value ? value.name.replace(/^ERROR_REASON_/, "") : `UNKNOWN_${reason}`;
}

/** The gRPC status code that a reason travels with. */
export function codeOf(reason: ErrorReason): Code {
  const value = ErrorReasonSchema.value[reason];
  return value ? (getOption(value, status_code) as Code) : Code.Internal;
}

function reasonOfCode(code: Code): ErrorReason {
  switch (code) {
    case Code.InvalidArgument:
      return ErrorReason.INVALID_ARGUMENT;
    case Code.Canceled:
      return ErrorReason.CANCELLED;
    case Code.DeadlineExceeded:
      return ErrorReason.DEADLINE_EXCEEDED;
    case Code.Unauthenticated:
      return ErrorReason.UNAUTHENTICATED;
    case Code.PermissionDenied:
      return ErrorReason.PERMISSION_DENIED;
    case Code.Unimplemented:
      return ErrorReason.UNSUPPORTED;
    case Code.Unavailable:
      return ErrorReason.UNREACHABLE;
    case Code.ResourceExhausted:
      return ErrorReason.TOO_LARGE;
    default:
      return ErrorReason.INTERNAL;
  }
}
