// Runs operations of the Linux provider in the host it is started on. Each line of its input is {"method", "request", "timeoutMs"}; for
// each it prints a line {"response": protobuf JSON} or {"error": {"reason", "metadata", "message"}}.
import { createInterface } from "node:readline";
import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { createLinuxProvider } from "../../../services/providers/linux/linux-provider.js";
import { createMutationHandlers } from "../../../services/providers/linux/mutation/create-mutation-handlers.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { createLogger } from "../../../services/shared/log.js";
import { operations } from "../../../services/shared/operations.js";

interface Question {
  readonly method: string;
  readonly request: JsonValue;
  readonly timeoutMs: number;
}

const log = createLogger("test");
const handlers: Record<string, unknown> = {
  ...(await createLinuxProvider({ log })).telemetry,
  ...createMutationHandlers({ waitMs: 2000, retryMs: 200 }),
};

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}

async function answer({ method, request, timeoutMs }: Question): Promise<JsonValue> {
  const descriptor = [...operations.values()].find((operation) => operation.method.localName === method)?.method;
  if (!descriptor) throw new Error(`no operation ${method}`);
  const { input, output } = descriptor;
  const handle = handlers[method] as (request: object, context: object) => Promise<Record<string, unknown>>;
  try {
    const response = await handle(fromJson(input, request), { signal: AbortSignal.timeout(timeoutMs), log });
    return { response: toJson(output, create(output, response), { alwaysEmitImplicit: true }) };
  } catch (error) {
    const { reason, metadata } = errorDetailOf(error);
    return { error: { reason: ErrorReason[reason] ?? "", metadata, message: String(error) } };
  }
}
