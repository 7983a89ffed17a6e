// What it means that the kernel refused to take a CPU profile.
import { constants } from "node:os";
import type { ConnectError } from "@connectrpc/connect";
import { ErrorReason, failure } from "../../../shared/errors.js";

const { EACCES, EINVAL, EMFILE, ENOMEM, EPERM } = constants.errno;

/** `errno` of the addon's error is negative, as Node's. */
export function describeRefusal(error: unknown, samplesPerSecond: number): ConnectError {
  const message = `the CPU profile was refused: ${error instanceof Error ? error.message : String(error)}`;
  const number = -Number((error as NodeJS.ErrnoException).errno ?? 0);
  switch (number) {
    case EPERM:
    case EACCES:
      return failure(ErrorReason.PRIVILEGE_MISSING, message, {
        metadata: { needs: "root, or CAP_BPF and CAP_PERFMON" },
        remedy: "run the daemon as root, or grant it CAP_BPF and CAP_PERFMON",
        cause: error,
      });
    case EINVAL:
      return failure(ErrorReason.INVALID_ARGUMENT, message, {
        metadata: { field: "samples per second", rule: "kernel.perf_event_max_sample_rate" },
        remedy: `ask for fewer than ${samplesPerSecond} samples per second, or raise kernel.perf_event_max_sample_rate`,
        cause: error,
      });
    case EMFILE:
    case ENOMEM:
      return failure(ErrorReason.BUSY, message, {
        metadata: { queue: "kernel resources of CPU profiles", capacity: number === EMFILE ? "descriptors" : "memory" },
        remedy: "end another profile, or ask for room for fewer stacks",
        cause: error,
      });
    default:
      return failure(ErrorReason.UNSUPPORTED, message, {
        metadata: { operation: "cpu profile", needs: "Linux 5.11 or newer with BTF" },
        remedy: "use a kernel with BTF (CONFIG_DEBUG_INFO_BTF) of version 5.11 or newer",
        cause: error,
      });
  }
}
