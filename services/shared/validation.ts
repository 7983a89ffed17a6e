// protovalidate at the boundary: the rules are in the proto, the words are here.
import { createRequire } from "node:module";
import { type DescField, type DescMessage, getOption, type Message, type MessageShape } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { Validator, Violation } from "@bufbuild/protovalidate";
import type { Interceptor } from "@connectrpc/connect";
import { re2 } from "../gen/systemsmanager/options/v1/options_pb.js";
import { ErrorReason, failure } from "./errors.js";
import { compilePattern } from "./pattern.js";
import { isSurelyValid } from "./surely-valid.js";

/** Throws INVALID_ARGUMENT that names every broken rule with its field. */
export function validate<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void {
  if (!isSurelyValid(schema, message)) askProtovalidate(schema, message);
  checkPatterns(schema, message);
}

const require = createRequire(import.meta.url);
let validator: Validator | undefined;

// It and its expression language are megabytes, and most processes never see a message that is not surely valid: so it is loaded at the
// first one, in the form that can be loaded at once.
function askProtovalidate<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): void {
  const { createValidator }: typeof import("@bufbuild/protovalidate") = require("@bufbuild/protovalidate");
  validator ??= createValidator();
  const result = validator.validate(schema, message);
  if (result.kind === "error") throw result.error;
  if (result.kind === "invalid") throw invalid(result.violations);
}

/** Validates every message that a client sends before its handler sees it. */
export const validateRequests: Interceptor = (next) => (request) => {
  if (request.stream) return next({ ...request, message: validateEach(request.method.input, request.message) });
  validate(request.method.input, request.message);
  return next(request);
};

async function* validateEach(schema: DescMessage, messages: AsyncIterable<Message>): AsyncGenerator<Message> {
  for await (const message of messages) {
    validate(schema, message);
    yield message;
  }
}

// protovalidate has no rule for it: the patterns of requests, which are flat messages, must be RE2. Which fields are patterns is looked
// up once per message type.
const patternFields = new WeakMap<DescMessage, readonly DescField[]>();

function checkPatterns(schema: DescMessage, message: Message): void {
  const fields = patternFields.get(schema) ?? schema.fields.filter(isPattern);
  patternFields.set(schema, fields);
  if (fields.length === 0) return;
  const reflected = reflect(schema, message);
  for (const field of fields) compilePattern(reflected.get(field) as string, field.name);
}

function isPattern(field: DescField): boolean {
  return field.fieldKind === "scalar" && getOption(field, re2);
}

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
