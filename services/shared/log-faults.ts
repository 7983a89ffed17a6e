// Faults of a server's own handlers, in its log: the caller is told "internal error" and nothing of what went wrong.
import { ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "./log.js";
import { observeRpcs } from "./observe-rpc.js";

/** Logs what a handler throws that it did not mean to tell its caller. */
export function logFaults(log: Logger): Interceptor {
  return observeRpcs(({ service, method, signal }) => (error) => {
    if (error === undefined || error instanceof ConnectError || signal.aborted) return;
    log.error({ err: error, rpc: `${service.typeName}/${method.name}` }, "a handler failed");
  });
}
