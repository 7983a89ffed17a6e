// The request bytes of an operation: decoded and checked before anything is sent, with dry_run set as the caller needs it.
import { fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Operation } from "../../shared/operations.js";
import { validate } from "../../shared/validation.js";

/** Throws INVALID_ARGUMENT when the bytes are not a valid request of the operation. */
export function decodeRequest(operation: Operation, bytes: Uint8Array): Message {
  const schema = operation.method.input;
  try {
    const request = fromBinary(schema, bytes);
    validate(schema, request);
    return request;
  } catch (cause) {
    if (cause instanceof Error && cause.name === "ConnectError") throw cause;
    throw failure(ErrorReason.INVALID_ARGUMENT, `request: ${bytes.length} bytes cannot be read as ${schema.typeName}`, {
      metadata: { field: "request", rule: "encoding" },
      remedy: `encode a ${schema.typeName} in the protobuf binary format`,
      cause,
    });
  }
}

/** The request encoded again with this dry_run. */
export function encodeWithDryRun(operation: Operation, bytes: Uint8Array, dryRun: boolean): Uint8Array {
  const schema = operation.method.input;
  const request = decodeRequest(operation, bytes);
  const field = schema.field.dryRun;
  if (!field) throw new TypeError(`${operation.name} has no dry run`);
  reflect(schema, request).set(field, dryRun);
  return toBinary(schema, request);
}
