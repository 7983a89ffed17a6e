// protovalidate at the boundary: the rules are in the proto, the words are here.
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { ErrorReason, failure } from "./errors.js";

const validator = createValidator();

/** Throws INVALID_ARGUMENT that names every broken rule with its field. */
export function validate<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return;
  if (result.kind === "error") throw result.error;
  throw invalid(result.violations);
}

/** Validates every unary and server-streaming request before its handler sees it. */
export const validateRequests: Interceptor = (next) => (request) => {
  if (!request.stream) validate(request.method.input, request.message);
  return next(request);
};

function invalid(violations: Violation[]) {
  const described = violations.map((violation) => `${fieldPath(violation)}: ${violation.message}`);
  const [first] = violations;
  return failure(ErrorReason.INVALID_ARGUMENT, `invalid request: ${described.join("; ")}`, {
    metadata: { field: first ? fieldPath(first) : "", rule: first?.ruleId ?? "" },
  });
}

function fieldPath(violation: Violation): string {
  const names = violation.field.map((element) => ("name" in element ? element.name : undefined));
  return names.filter((name) => name !== undefined).join(".") || "request";
}
