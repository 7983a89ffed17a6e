// The request bytes of an operation, decoded and checked: by the control plane before anything is sent, and by the host
// again before anything is done.
import { fromBinary, type Message } from "@bufbuild/protobuf";
import { ErrorReason, failure } from "./errors.js";
import type { Operation } from "./operations.js";
import { validate } from "./validation.js";

/** Throws INVALID_ARGUMENT when the bytes are not a valid request of the operation. */
export function decodeRequest(operation: Operation, bytes: Uint8Array): Message {
  const schema = operation.method.input;
  const request = decode();
  validate(schema, request);
  return request;

  function decode(): Message {
    try {
      return fromBinary(schema, bytes);
    } catch (cause) {
      throw failure(
        ErrorReason.INVALID_ARGUMENT,
        `request: ${bytes.length} bytes cannot be read as ${schema.typeName}`,
        {
          metadata: { field: "request", rule: "encoding" },
          remedy: `encode a ${schema.typeName} in the protobuf binary format of this version`,
          cause,
        },
      );
    }
  }
}
