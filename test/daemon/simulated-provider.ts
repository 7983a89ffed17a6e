// A simulated provider: answers at once from memory, or does what a test says. Everything around it is real.
import { createHash } from "node:crypto";
import type { OperationContext, OSProvider } from "../../services/providers/os-provider.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";

/** What a test replaces, by method name: "getSystemSnapshot", "manageService". */
export type SimulatedHandlers = Record<string, (request: never, context: OperationContext) => Promise<object>>;

/** A host id made from a name. */
export function hostIdOf(name: string): string {
  return createHash("md5").update(name).digest("hex");
}

/** Methods that the test does not give answer UNSUPPORTED. */
export function simulatedProvider(name: string, handlers: SimulatedHandlers = {}): OSProvider {
  const answers: SimulatedHandlers = {
    getSystemSnapshot: async () => ({ os: { hostname: name, prettyName: "Simulated 1" }, uptimeSeconds: 1 }),
    ...handlers,
  };
  const service = new Proxy({}, { get: (_, method: string) => answers[method] ?? unsupported(method) });
  return {
    platform: "linux",
    telemetry: service as OSProvider["telemetry"],
    mutation: service as OSProvider["mutation"],
    facts: async () => ({
      hostId: hostIdOf(name),
      os: "linux",
      distro: "simulated",
      distroLike: [],
      distroVersion: "1",
      kernel: "0",
      arch: "x64",
      cpuCount: 1,
      memoryBytes: 1n,
      capabilities: [],
    }),
    close: async () => undefined,
  };
}

function unsupported(method: string) {
  return async () => {
    throw failure(ErrorReason.UNSUPPORTED, `the simulated provider has no ${method}`);
  };
}
