// Why a capture could not be opened, in words that say what to do.
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { CaptureAddon } from "../capture/native-capture.js";

/** Throws UNSUPPORTED when the addon was built without captures. */
export function requireCapture(addon: Partial<CaptureAddon>): CaptureAddon {
  if (addon.openCapture) return addon as CaptureAddon;
  throw failure(ErrorReason.UNSUPPORTED, "this build of the native addon captures no events", {
    metadata: { operation: "StartTraceSession", needs: "clang, bpftool, libbpf-dev" },
    remedy: "install clang, bpftool and libbpf-dev and build it again: node .ci/setup.mjs",
  });
}

/** The kernel's refusal as a failure; anything else as it is. */
export function describeRefusedCapture(error: unknown, kinds: readonly string[]): unknown {
  const { errno, message } = error as { errno?: number; message?: string };
  if (errno === undefined) return error;
  const what = `the kernel does not let this daemon trace ${kinds.join(", ")}: ${message}`;
  const isForbidden = errno === -1 || errno === -13;
  if (isForbidden) {
    return failure(ErrorReason.PRIVILEGE_MISSING, what, {
      metadata: { needs: "root, or CAP_BPF and CAP_PERFMON" },
      remedy: "run the daemon as root or with CAP_BPF and CAP_PERFMON, and see whether the kernel is locked down",
      cause: error,
    });
  }
  return failure(ErrorReason.UNSUPPORTED, what, {
    metadata: { operation: "StartTraceSession", needs: "BPF with the kernel's own type information (BTF)" },
    remedy: "use a kernel with CONFIG_DEBUG_INFO_BTF, 5.15 or newer",
    cause: error,
  });
}
