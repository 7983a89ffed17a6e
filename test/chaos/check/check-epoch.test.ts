import { describe, expect, test } from "vitest";
import { ErrorReason } from "../../../services/gen/systemsmanager/errors/v1/error_reason_pb.js";
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import type { EpochHistory } from "../history.js";
import { checkEpoch } from "./check-epoch.js";
import { account, commit, endedWith, executions, fault, history, host, view } from "./histories.js";

describe("a history that keeps every promise", () => {
  test.each<[string, EpochHistory]>([
    ["all hosts OK", history()],
    [
      "a run that was refused",
      history({
        runs: [commit({ acknowledgedAtMs: undefined, runId: undefined, views: [], accounts: [] } as never)],
        executions: [],
      }),
    ],
    [
      "no answer while a long fault lasted",
      history({ runs: [endedWith(HostState.NO_ANSWER, { noAnswer: 1 })], faults: [fault(9_000, "late answers")] }),
    ],
    [
      "no answer after both relays were away at once",
      history({
        runs: [commit({ ...endedWith(HostState.NO_ANSWER, { noAnswer: 1 }), timeoutMs: 60_000 })],
        faults: [fault(3_000, "late answers"), { ...fault(2_500, "late answers"), target: "relay-1" }],
      }),
    ],
    [
      "indeterminate after its daemon was killed",
      history({
        runs: [endedWith(HostState.INDETERMINATE, { indeterminate: 1 })],
        faults: [fault(2_100, "any answer")],
      }),
    ],
    [
      "indeterminate though its command waited",
      history({
        runs: [{ ...endedWith(HostState.INDETERMINATE, { indeterminate: 1 }), queueMs: 60_000 }],
        faults: [fault(2_100, "answers under way")],
      }),
    ],
    [
      "failed on a full disk and not executed",
      history({
        runs: [endedWith(HostState.FAILED, { failed: 1 }, ErrorReason.STORAGE_FAILED)],
        faults: [fault(2_100, "any answer")],
        executions: executions("a", "b"),
      }),
    ],
    [
      "a rollout that was seen when it halted, and resumed",
      history({
        runs: [
          commit({
            views: [
              view("finished", [host("a"), host("b", HostState.QUEUED), host("c", HostState.QUEUED)], {
                ok: 1,
                queued: 2,
              }),
              view("settled"),
            ],
          }),
        ],
      }),
    ],
    [
      "a late answer",
      history({
        runs: [
          commit({
            accounts: [],
            views: [
              view("finished", [host("a"), host("b"), host("c", HostState.NO_ANSWER)], { ok: 2, noAnswer: 1 }),
              view("settled"),
            ],
          }),
        ],
      }),
    ],
  ])("has no violation: %s", (_, kept) => {
    expect(checkEpoch(kept)).toEqual([]);
  });
});

describe("a planted violation is found", () => {
  test.each<[string, string, EpochHistory]>([
    [
      "a sum that is wrong in an event",
      "sum of the eight states",
      history({ runs: [commit({ accounts: [{ ...account, ok: 2 }] })] }),
    ],
    [
      "a sum that is wrong in a look",
      "sum of the eight states",
      history({ runs: [commit({ views: [view("settled", undefined, { ok: 4 })] })] }),
    ],
    [
      "another number of targets than at the start",
      "sum of the eight states",
      history({ runs: [commit({ targeted: 4 })] }),
    ],
    [
      "a host without a state",
      "exactly one state",
      history({ runs: [commit({ views: [view("settled", [host("a"), host("b")])] })] }),
    ],
    [
      "a host with two states",
      "exactly one state",
      history({ runs: [commit({ views: [view("settled", [host("a"), host("b"), host("c"), host("c")])] })] }),
    ],
    [
      "a host that was not targeted",
      "exactly one state",
      history({ runs: [commit({ views: [view("settled", [host("a"), host("b"), host("d")])] })] }),
    ],
    [
      "fewer hosts of a state than counted",
      "exactly one state",
      history({ runs: [commit({ views: [view("settled", [host("a"), host("b"), host("c", HostState.DENIED)])] })] }),
    ],
    ["a run that cannot be read again", "run that there is ends", history({ runs: [commit({ views: [] })] })],
    [
      "a run that never ends",
      "run that there is ends",
      history({ runs: [commit({ views: [{ ...view("settled"), isFinished: false }] })] }),
    ],
    [
      "a host that stays queued",
      "run that there is ends",
      history({ runs: [endedWith(HostState.QUEUED, { queued: 1 })], executions: executions("a", "b") }),
    ],
    [
      "a lost result",
      "lost or changed",
      history({
        runs: [
          commit({
            views: [
              view("finished"),
              view("settled", [host("a"), host("b"), host("c", HostState.NO_ANSWER)], { ok: 2, noAnswer: 1 }),
            ],
          }),
        ],
        faults: [fault(9_000, "any answer")],
      }),
    ],
    [
      "a result that changed",
      "lost or changed",
      history({
        runs: [
          commit({
            views: [view("finished"), view("restarted", [host("a"), host("b"), { ...host("c"), digest: "another" }])],
          }),
        ],
      }),
    ],
    [
      "an answer that does not open",
      "answer that opens",
      history({
        runs: [commit({ views: [view("settled", [host("a"), host("b"), { ...host("c"), hasBody: false }])] })],
      }),
    ],
    [
      "a count of answers that shrinks",
      "never shrinks",
      history({ runs: [commit({ accounts: [account, { ...account, ok: 2, queued: 1 }] })] }),
    ],
    [
      "more answers told than seen in the end",
      "never shrinks",
      history({ runs: [{ ...endedWith(HostState.NO_ANSWER, { noAnswer: 1 }), accounts: [account] }] }),
    ],
    [
      "a revision that goes back",
      "never shrinks",
      history({ runs: [commit({ views: [{ ...view("finished"), revision: 2 }, view("settled")] })] }),
    ],
    ["a double execution", "executed twice", history({ executions: executions("a", "b", "c", "c") })],
    [
      "an OK host that executed nothing",
      "a host executed a change once",
      history({ executions: executions("a", "b") }),
    ],
    [
      "a denied host that executed",
      "a host executed a change once",
      history({ runs: [endedWith(HostState.DENIED, { denied: 1 })] }),
    ],
    [
      "an expired host that executed",
      "a host executed a change once",
      history({ runs: [endedWith(HostState.EXPIRED, { expired: 1 })] }),
    ],
    [
      "a host with a full disk that executed",
      "a host executed a change once",
      history({ runs: [endedWith(HostState.FAILED, { failed: 1 }, ErrorReason.STORAGE_FAILED)] }),
    ],
    ["an execution outside of the plan", "no plan ordered", history({ runs: [commit({ hosts: ["a", "b"] })] })],
    [
      "an execution of a change that never was a run",
      "never on its way",
      history({ runs: [commit({ acknowledgedAtMs: undefined, runId: undefined, views: [], accounts: [] } as never)] }),
    ],
    [
      "no answer without a fault",
      "reached all the time",
      history({ runs: [endedWith(HostState.NO_ANSWER, { noAnswer: 1 })] }),
    ],
    [
      "no answer long after a short fault",
      "reached all the time",
      history({
        runs: [commit({ ...endedWith(HostState.NO_ANSWER, { noAnswer: 1 }), timeoutMs: 60_000 })],
        faults: [fault(3_000, "late answers")],
      }),
    ],
    [
      "no answer after the relays were away one after the other",
      "reached all the time",
      history({
        runs: [commit({ ...endedWith(HostState.NO_ANSWER, { noAnswer: 1 }), timeoutMs: 60_000 })],
        faults: [fault(3_000, "late answers"), { ...fault(4_000, "late answers"), target: "relay-1", fromMs: 3_500 }],
      }),
    ],
    [
      "no answer of a host that was killed and came back while its command waited",
      "reached all the time",
      history({
        runs: [{ ...endedWith(HostState.NO_ANSWER, { noAnswer: 1 }), queueMs: 60_000 }],
        faults: [fault(3_000, "answers under way")],
      }),
    ],
    [
      "no answer of a host that the fault did not hit",
      "reached all the time",
      history({
        runs: [endedWith(HostState.NO_ANSWER, { noAnswer: 1 })],
        faults: [{ ...fault(9_000, "any answer"), hosts: ["a"] }],
      }),
    ],
    ["a process that ended by itself", "whole again", history({ incidents: ["relay-0 ended by itself"] })],
  ])("%s breaks %j", (_, promise, broken) => {
    expect(
      checkEpoch(broken)
        .map(({ check }) => check)
        .join("; "),
    ).toContain(promise);
  });
});
