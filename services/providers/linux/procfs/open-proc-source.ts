// The one place that chooses how /proc is read.
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { Logger } from "../../../shared/log.js";
import { loadNativeSource } from "../native.js";
import type { ProcSource } from "./proc-source.js";
import { createProcfsSource } from "./procfs-source.js";

/**
 * Opens a backend: "auto" takes the native addon and, without it, TypeScript; "native" and "procfs" take what they say or fail. Throws
 * UNSUPPORTED when "native" is not there, INVALID_ARGUMENT for an unknown name.
 */
export function openProcSource(backend: string, log: Logger, addonPath?: string): ProcSource {
  switch (backend) {
    case "procfs":
      return createProcfsSource();
    case "native":
    case "auto": {
      const native = loadNativeSource(addonPath);
      if ("source" in native) return native.source;
      if (backend === "native") throw unavailable(native.reason);
      log.info({ reason: native.reason }, "the native addon is not available; /proc is read in TypeScript");
      return createProcfsSource();
    }
    default:
      throw failure(ErrorReason.INVALID_ARGUMENT, `there is no /proc backend ${JSON.stringify(backend)}`, {
        metadata: { field: "SYSTEMS_MANAGER_PROC_BACKEND", rule: "auto|native|procfs" },
        remedy: "use auto, native or procfs",
      });
  }
}

function unavailable(reason: string) {
  return failure(ErrorReason.UNSUPPORTED, `the native addon is not available: ${reason}`, {
    metadata: { operation: "native", needs: "build/Release/systems_manager_native.node" },
    remedy:
      "build it with `npx cmake-js compile` (needs cmake and a C++17 compiler), or use the backend auto or procfs",
  });
}
