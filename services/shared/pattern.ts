// Patterns that callers supply: RE2 syntax, linear time, never a backtracking engine.
import { RE2JS, RE2JSException } from "re2js";
import { ErrorReason, failure } from "./errors.js";

/** Tells whether a text contains a match. An empty pattern matches all. Throws INVALID_ARGUMENT with the syntax error. */
export function compilePattern(pattern: string, field = "pattern"): (text: string) => boolean {
  if (pattern === "") return () => true;
  try {
    const compiled = RE2JS.compile(pattern);
    return (text) => compiled.test(text);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw failure(
      ErrorReason.INVALID_ARGUMENT,
      `${field}: ${JSON.stringify(pattern)} is no RE2 pattern: ${error.message}`,
      {
        metadata: { field, rule: "re2" },
        remedy: "use RE2 syntax, which has no backreferences and no lookaround",
        cause: error,
      },
    );
  }
}
