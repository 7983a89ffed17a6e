import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { codeOf, ErrorReason, errorDetailOf, failure, hasReason, reasonName } from "../../services/shared/errors.js";

const reasons = Object.values(ErrorReason).filter((value): value is ErrorReason => typeof value === "number");

test.each(reasons.map((reason) => [reasonName(reason), reason] as const))(
  "%s has a gRPC code that is not OK",
  (_name, reason) => {
    expect(codeOf(reason)).toBeGreaterThanOrEqual(Code.Canceled);
    expect(codeOf(reason)).toBeLessThanOrEqual(Code.Unauthenticated);
  },
);

test("a failure says what failed and what to do, and keeps its cause", () => {
  const cause = new Error("ENOENT");
  const error = failure(ErrorReason.UNKNOWN_UNIT, 'no unit "ngnix"', {
    metadata: { unit: "ngnix" },
    remedy: "use nginx.service",
    cause,
  });
  expect(error.message).toBe('[not_found] no unit "ngnix"; use nginx.service');
  expect(error.cause).toBe(cause);
  expect(errorDetailOf(error)).toMatchObject({ reason: ErrorReason.UNKNOWN_UNIT, metadata: { unit: "ngnix" } });
});

test("an error of another origin gets the reason nearest to its code", () => {
  expect(hasReason(new ConnectError("gone", Code.Unavailable), ErrorReason.UNREACHABLE)).toBe(true);
  expect(hasReason(new TypeError("x is undefined"), ErrorReason.INTERNAL)).toBe(true);
});
