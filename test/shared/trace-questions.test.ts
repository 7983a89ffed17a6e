import { describe, expect, test } from "vitest";
import { TraceKey, TraceSource } from "../../services/gen/systemsmanager/trace/v1/question_pb.js";
import { ErrorReason, hasReason } from "../../services/shared/errors.js";
import {
  type TraceParticulars,
  traceNames,
  traceQuestion,
  traceQuestionOfWords,
} from "../../services/shared/trace-questions.js";

test("top counts and latency measures, told apart by a key; dashes will do", () => {
  expect(traceQuestion("top", { source: "file_write", by: "path", limit: 5 })).toEqual({
    case: "count",
    value: { source: TraceSource.FILE_WRITE, by: TraceKey.PATH, limit: 5 },
  });
  expect(traceQuestion("latency", { source: "run-queue" })).toEqual({
    case: "latency",
    value: { source: TraceSource.RUN_QUEUE, by: TraceKey.UNSPECIFIED, limit: 0 },
  });
});

test("every other name is a question by itself", () => {
  for (const name of traceNames.filter((each) => each !== "top" && each !== "latency"))
    expect(traceQuestion(name).case).toMatch(/^(events|profile)$/);
});

test.each([
  ["exec", traceQuestion("exec")],
  [" profile ", traceQuestion("profile")],
  ["top file_write by path", traceQuestion("top", { source: "file_write", by: "path" })],
  ["latency syscall", traceQuestion("latency", { source: "syscall" })],
])("%j in words", (words, question) => expect(traceQuestionOfWords(words)).toEqual(question));

test.each([
  ["top", /need a source/],
  ["top by path", /need a source/],
  ["top file_write by path and more", /nothing can be traced/],
  ["", /nothing can be traced/],
])("%j in words is refused", (words, problem) => expect(() => traceQuestionOfWords(words)).toThrow(problem));

describe("refused, with what would do", () => {
  test.each<[string, TraceParticulars, RegExp]>([
    ["nonsense", {}, /"nonsense".*exec/],
    ["top", {}, /need a source.*syscall/],
    ["top", { source: "wind" }, /no source "wind".*run_queue/],
    ["latency", { source: "syscall", by: "colour" }, /no by "colour".*process/],
    ["exec", { source: "exec" }, /exec takes no source.*top or latency/],
    ["profile", { limit: 5 }, /profile takes no limit/],
  ])("%s %o", (name, particulars, words) => {
    let error: unknown;
    try {
      traceQuestion(name, particulars);
    } catch (caught) {
      error = caught;
    }
    expect(hasReason(error, ErrorReason.INVALID_ARGUMENT)).toBe(true);
    expect(String(error)).toMatch(words);
  });
});
