// The one place that chooses how events are captured: by the kernel's programs, and where these are refused by strace, which says so.
import { ErrorReason, errorDetailOf, explainError, failure, hasReason } from "../../../shared/errors.js";
import type { CaptureOptions } from "../capture/open-capture.js";
import { openStraceCapture } from "../strace/open-strace-capture.js";
import type { EventCapture } from "./event-capture.js";

/** Rejects with what the kernel's refusal was when strace cannot do it either, and with what both would need. */
export async function openEventCapture(
  openByKernel: (options: CaptureOptions) => Promise<EventCapture>,
  options: CaptureOptions,
): Promise<EventCapture> {
  try {
    return await openByKernel(options);
  } catch (refusal) {
    if (!isRefusal(refusal)) throw refusal;
    return openStraceCapture(options).catch((error: unknown) => {
      throw describeBoth(refusal, error);
    });
  }
}

function isRefusal(error: unknown): boolean {
  return hasReason(error, ErrorReason.UNSUPPORTED) || hasReason(error, ErrorReason.PRIVILEGE_MISSING);
}

function describeBoth(refusal: unknown, error: unknown): unknown {
  // Its process is gone, or its filter is wrong: that is so for the kernel, too.
  if (hasReason(error, ErrorReason.UNKNOWN_PROCESS) || hasReason(error, ErrorReason.INVALID_ARGUMENT)) return error;
  const [kernel, strace] = [explainError(refusal), explainError(error)];
  const { reason, metadata } = errorDetailOf(refusal);
  return failure(reason, `${kernel.what}; and strace, which would do instead: ${strace.what}`, {
    metadata,
    remedy: [kernel.remedy, strace.remedy].filter(Boolean).join("; or "),
    cause: refusal,
  });
}
