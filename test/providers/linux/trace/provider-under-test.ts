// The provider of this host, and its operations called as a daemon calls them.
import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll } from "vitest";
import { TelemetryService } from "../../../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { createLinuxProvider } from "../../../../services/providers/linux/linux-provider.js";
import type { OSProvider } from "../../../../services/providers/os-provider.js";
import { createLogger } from "../../../../services/shared/log.js";

export const { startTraceSession, readTraceSession, stopTraceSession, getTracingCapabilities } =
  TelemetryService.method;

type Call = <Method extends DescMethodUnary>(
  method: Method,
  request: MessageInitShape<Method["input"]>,
) => Promise<MessageShape<Method["output"]>>;

/** One provider for the tests of a file. */
export function useProvider(): Call {
  const log = createLogger("trace-test");
  let provider: OSProvider;
  beforeAll(async () => {
    provider = await createLinuxProvider({ log });
  });
  afterAll(() => provider.close());
  return async (method, request) => {
    const handler = provider.telemetry[method.localName as keyof typeof TelemetryService.method];
    const context = { signal: new AbortController().signal, log };
    const response = await handler(create(method.input, request as never) as never, context);
    return create(method.output, response as never) as never;
  };
}
