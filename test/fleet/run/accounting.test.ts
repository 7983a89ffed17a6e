import { expect, test } from "vitest";
import { RunAccount } from "../../../services/fleet/run/accounting.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";

const { OK, FAILED, QUEUED, NO_ANSWER, CANCELLED, INDETERMINATE } = HostState;

function account(targeted: number) {
  const counters = { duplicateReplies: 0, lateReplies: 0, invalidReplies: 0 };
  return new RunAccount(targeted, counters);
}

function restore(hosts: RunAccount): void {
  hosts.restore(0, OK, true);
}

test("every host begins as queued and is counted once", () => {
  const hosts = account(3);
  hosts.answer(0, OK);
  hosts.answer(1, FAILED);
  expect(hosts.toMessage()).toMatchObject({ targeted: 3, ok: 1, failed: 1, queued: 1, noAnswer: 0 });
  expect([0, 1, 2].map((index) => hosts.stateOf(index))).toEqual([OK, FAILED, QUEUED]);
  hosts.verify();
});

test("a second answer of a host is a duplicate and changes nothing", () => {
  const hosts = account(1);
  expect(hosts.answer(0, OK)).toBe("accounted");
  expect(hosts.answer(0, FAILED)).toBe("duplicate");
  expect(hosts.toMessage()).toMatchObject({ ok: 1, failed: 0, duplicateReplies: 1, lateReplies: 0 });
});

test.each([
  ["NO_ANSWER", NO_ANSWER, OK],
  ["NO_ANSWER", NO_ANSWER, INDETERMINATE],
  ["CANCELLED", CANCELLED, OK],
] as const)("after %s a host's own word is late and wins: %s → %s", (_name, closed, answered) => {
  const hosts = account(1);
  expect(hosts.close(0, closed)).toBe(true);
  expect(hosts.answer(0, answered)).toBe("late");
  expect(hosts.stateOf(0)).toBe(answered);
  expect(hosts.toMessage()).toMatchObject({ lateReplies: 1, duplicateReplies: 0 });
  expect(hosts.answer(0, OK)).toBe("duplicate");
});

test("a host that confirms its cancellation is not late", () => {
  const hosts = account(1);
  hosts.close(0, CANCELLED);
  expect(hosts.answer(0, CANCELLED)).toBe("accounted");
  expect(hosts.toMessage()).toMatchObject({ cancelled: 1, lateReplies: 0 });
  expect(hosts.answer(0, OK)).toBe("duplicate");
});

test("closing a host that answered does nothing", () => {
  const hosts = account(1);
  hosts.answer(0, OK);
  expect(hosts.close(0, NO_ANSWER)).toBe(false);
  expect(hosts.stateOf(0)).toBe(OK);
});

test.each<[string, (hosts: RunAccount) => unknown]>([
  ["a host that is no target", (hosts) => hosts.answer(7, OK)],
  ["an answer that says queued", (hosts) => hosts.answer(0, QUEUED)],
  ["an answer that says no answer", (hosts) => hosts.answer(0, NO_ANSWER)],
  ["an unspecified state", (hosts) => hosts.answer(0, HostState.UNSPECIFIED)],
  ["a state of a newer version", (hosts) => hosts.answer(0, 99 as HostState)],
  ["two restored states of one host", (hosts) => [restore(hosts), restore(hosts)]],
])("%s violates the identity and throws", (_name, action) => {
  const hosts = account(2);
  expect(() => action(hosts)).toThrow(/accounting identity violated/);
});

test("a run without targets has no account", () => {
  expect(() => account(0)).toThrow(/at least one target/);
});
