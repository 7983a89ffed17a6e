// The request bytes of an operation with dry_run set as the caller needs it.
import { toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { decodeRequest } from "../../shared/decode-request.js";
import type { Operation } from "../../shared/operations.js";

/** The request encoded again with this dry_run. */
export function encodeWithDryRun(operation: Operation, bytes: Uint8Array, dryRun: boolean): Uint8Array {
  const schema = operation.method.input;
  const request = decodeRequest(operation, bytes);
  const field = schema.field.dryRun;
  if (!field) throw new TypeError(`${operation.name} has no dry run`);
  reflect(schema, request).set(field, dryRun);
  return toBinary(schema, request);
}
