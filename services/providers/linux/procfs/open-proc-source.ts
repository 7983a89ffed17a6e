// The one place that chooses how processes and who holds sockets are read.
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { Logger } from "../../../shared/log.js";
import { loadIteratorSource, loadNativeSource } from "../native.js";
import type { ProcSource } from "./proc-source.js";
import { createProcfsSource } from "./procfs-source.js";

/**
 * Opens a backend: "auto" takes the kernel's iterators, without them the native addon on /proc, and without it TypeScript; "iterators",
 * "native" and "procfs" take what they say or fail. Throws UNSUPPORTED when that is not there, INVALID_ARGUMENT for an unknown name.
 */
export function openProcSource(backend: string, log: Logger, addonPath?: string): ProcSource {
  switch (backend) {
    case "procfs":
      return createProcfsSource();
    case "native":
      return sourceOf(loadNativeSource(addonPath), nativeUnavailable);
    case "iterators":
      return sourceOf(loadIteratorSource(addonPath), iteratorsUnavailable);
    case "auto":
      return openBest(log, addonPath);
    default:
      throw failure(ErrorReason.INVALID_ARGUMENT, `there is no /proc backend ${JSON.stringify(backend)}`, {
        metadata: { field: "SYSTEMS_MANAGER_PROC_BACKEND", rule: "auto|iterators|native|procfs" },
        remedy: "use auto, iterators, native or procfs",
      });
  }
}

function openBest(log: Logger, addonPath?: string): ProcSource {
  const iterators = loadIteratorSource(addonPath);
  if ("source" in iterators) return iterators.source;
  const native = loadNativeSource(addonPath);
  if ("source" in native) {
    log.info({ reason: iterators.reason }, "the kernel's iterators are not available; /proc is read");
    return native.source;
  }
  log.info({ reason: native.reason }, "the native addon is not available; /proc is read in TypeScript");
  return createProcfsSource();
}

function sourceOf(loaded: ReturnType<typeof loadNativeSource>, unavailable: (reason: string) => Error): ProcSource {
  if ("source" in loaded) return loaded.source;
  throw unavailable(loaded.reason);
}

function nativeUnavailable(reason: string) {
  return failure(ErrorReason.UNSUPPORTED, `the native addon is not available: ${reason}`, {
    metadata: { operation: "native", needs: "build/Release/systems_manager_native.node" },
    remedy:
      "build it with `npx cmake-js compile` (needs cmake and a C++17 compiler), or use the backend auto or procfs",
  });
}

function iteratorsUnavailable(reason: string) {
  return failure(ErrorReason.UNSUPPORTED, `the kernel's iterators are not available: ${reason}`, {
    metadata: {
      operation: "iterators",
      needs: "root or CAP_BPF and CAP_PERFMON, Linux 6.2 with BTF, the initial pid namespace",
    },
    remedy:
      "run as root in the host's pid namespace on a kernel with BTF, with an addon built where clang, bpftool and libbpf-dev are installed, or use the backend auto",
  });
}
