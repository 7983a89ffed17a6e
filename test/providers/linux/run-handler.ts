// Runs one operation of the Linux provider in the host it is started on: `node run-handler.js METHOD JSON [TIMEOUT_MS]` prints
// {"response": protobuf JSON} or {"error": {"reason", "metadata", "message"}}.
import { create, fromJsonString, type JsonValue, toJson } from "@bufbuild/protobuf";
import { createLogHandlers } from "../../../services/providers/linux/logs/query-logs.js";
import { createMutationHandlers } from "../../../services/providers/linux/mutation/create-mutation-handlers.js";
import { createPackageHandlers } from "../../../services/providers/linux/packages/list-packages.js";
import { createServiceHandlers } from "../../../services/providers/linux/service-manager/list-services.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { createLogger } from "../../../services/shared/log.js";
import { operations } from "../../../services/shared/operations.js";

const [method = "", request = "{}", timeoutMs = "60000"] = process.argv.slice(2);
const handlers: Record<string, unknown> = {
  ...createServiceHandlers(),
  ...createLogHandlers(),
  ...createPackageHandlers(),
  ...createMutationHandlers({ waitMs: 2000, retryMs: 200 }),
};
const descriptor = [...operations.values()].find((operation) => operation.method.localName === method)?.method;
if (!descriptor) throw new Error(`no operation ${method}`);

try {
  const handle = handlers[method] as (request: object, context: object) => Promise<object>;
  const signal = AbortSignal.timeout(Number(timeoutMs));
  const response = await handle(fromJsonString(descriptor.input, request), { signal, log: createLogger("test") });
  print({
    response: toJson(descriptor.output, create(descriptor.output, response as Record<string, unknown>), {
      alwaysEmitImplicit: true,
    }),
  });
} catch (error) {
  const { reason, metadata } = errorDetailOf(error);
  print({ error: { reason: ErrorReason[reason], metadata, message: String(error) } });
}

function print(result: JsonValue): void {
  process.stdout.write(JSON.stringify(result));
}
