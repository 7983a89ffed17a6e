// What a reply that is not OK must look like.
import { expect } from "vitest";
import { type Reply, ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { type ErrorReason, reasonName } from "../../services/shared/errors.js";

/** The reply has this outcome and reason, a message, a status code and no body. */
export function expectFailure(reply: Reply | undefined, outcome: ReplyOutcome, reason: ErrorReason): void {
  const said = `${ReplyOutcome[reply?.outcome ?? 0]} ${reasonName(reply?.error?.reason ?? 0)}: ${reply?.message}`;
  expect(said).toMatch(new RegExp(`^${ReplyOutcome[outcome]} ${reasonName(reason)}: .`));
  expect(reply?.statusCode).toBeGreaterThan(0);
  expect(reply?.body.length).toBe(0);
}
