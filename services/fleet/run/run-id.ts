// Run ids: UUIDs of version 8 whose last four digits are the number of the control plane that the run belongs to, so that another
// one can tell whom to ask.
import { randomBytes } from "node:crypto";
import { ErrorReason, failure } from "../../shared/errors.js";

const instanceDigits = 4;

/** A new id for a run of this control plane; its number is that of its partition of the replies topic. */
export function newRunId(instance: number): string {
  const digits = randomBytes(16).toString("hex").slice(0, -instanceDigits);
  const variant = "89ab"[Number.parseInt(digits[16] as string, 16) % 4];
  const parts = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
  ];
  return [...parts, digits.slice(20) + instance.toString(16).padStart(instanceDigits, "0")].join("-");
}

/** UNKNOWN_RUN, which tells which control plane to ask when the run is not this one's. */
export function unknownRun(runId: string, instance: number) {
  const owner = ownerOf(runId);
  if (owner === undefined || owner === instance) {
    return failure(ErrorReason.UNKNOWN_RUN, `no run has the id ${runId}`, {
      metadata: { run_id: runId },
      remedy: "list your runs; answers are kept for a limited time",
    });
  }
  return failure(ErrorReason.UNKNOWN_RUN, `the run ${runId} belongs to control plane ${owner}; this is ${instance}`, {
    metadata: { run_id: runId, instance: String(owner) },
    remedy: `ask control plane ${owner} of the fleet: each keeps its own runs`,
  });
}

/** The number of the control plane that the run belongs to; undefined when its id does not tell. */
export function ownerOf(runId: string): number | undefined {
  return runId[14] === "8" ? Number.parseInt(runId.slice(-instanceDigits), 16) : undefined;
}
