import fc from "fast-check";
import { expect, test } from "vitest";
import { hashPlan, type PlanContent } from "../../../services/identity/plan-hash.js";

const plan: PlanContent = {
  hostIds: ["a".repeat(32), "b".repeat(32)],
  method: "systemsmanager.mutation.v1.MutationService/InstallPackages",
  request: Buffer.from([1, 2, 3]),
  policyVersion: "builtin-1",
  expiresAtMs: 1_750_000_000_000,
  principal: "local",
};

function hex(content: PlanContent): string {
  return Buffer.from(hashPlan(content)).toString("hex");
}

test("the hash of a known plan does not change between versions", () => {
  expect(hex(plan)).toMatchInlineSnapshot(`"7bd70a3abb51ee8c8d6293055c868741599b42e2628de54fdfaaad73a57e2609"`);
});

test("the order of hosts does not matter", () => {
  expect(hex({ ...plan, hostIds: [...plan.hostIds].reverse() })).toBe(hex(plan));
});

test.each<[string, Partial<PlanContent>]>([
  ["one host more", { hostIds: [...plan.hostIds, "c".repeat(32)] }],
  ["one host less", { hostIds: plan.hostIds.slice(1) }],
  ["another host", { hostIds: ["a".repeat(32), "c".repeat(32)] }],
  ["another method", { method: "systemsmanager.mutation.v1.MutationService/RemovePackages" }],
  ["another request", { request: Buffer.from([1, 2, 4]) }],
  ["a longer request", { request: Buffer.from([1, 2, 3, 0]) }],
  ["another policy", { policyVersion: "builtin-2" }],
  ["another expiry, by a millisecond", { expiresAtMs: plan.expiresAtMs + 1 }],
  ["another principal", { principal: "locaL" }],
])("%s is another hash", (_what, change) => {
  expect(hex({ ...plan, ...change })).not.toBe(hex(plan));
});

test("bytes cannot be moved from one part to the next", () => {
  const text = fc.string({ maxLength: 8 });
  const content = fc.record({
    hostIds: fc.uniqueArray(text, { maxLength: 3 }),
    method: text,
    request: fc.uint8Array({ maxLength: 4 }),
    policyVersion: text,
    expiresAtMs: fc.nat(3),
    principal: text,
  });
  const canonical = (each: PlanContent) =>
    JSON.stringify([
      [...each.hostIds].sort(),
      each.method,
      [...each.request],
      each.policyVersion,
      each.expiresAtMs,
      each.principal,
    ]);
  fc.assert(
    fc.property(content, content, (a, b) => {
      expect(hex(a) === hex(b)).toBe(canonical(a) === canonical(b));
    }),
  );
});
