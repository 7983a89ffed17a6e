// What an error leaves in the log.
import { expect, test } from "vitest";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { toLoggedError } from "../../services/shared/log.js";

test("a failure is logged with its message and stack, in less than a few kilobytes", () => {
  const cause = new Error("connection refused");
  const error = failure(ErrorReason.UNREACHABLE, "no relay there", { metadata: { address: "a:1" }, cause });
  const logged = JSON.stringify(toLoggedError(error));
  expect(logged).toContain("no relay there");
  expect(logged).toContain("connection refused");
  expect(logged).toContain("log.test.ts");
  expect(logged.length).toBeLessThan(8_000);
});

test("what is no error is logged as it is", () => {
  expect(toLoggedError("text")).toBe("text");
});
