// Patterns that callers supply: RE2 syntax, linear time, never a backtracking engine.
import { createRequire } from "node:module";
import { ErrorReason, failure } from "./errors.js";

// A process that never sees a pattern does not load the engine.
const require = createRequire(import.meta.url);

/** Tells whether a text contains a match. An empty pattern matches all. Throws INVALID_ARGUMENT with the syntax error. */
export function compilePattern(pattern: string, field = "pattern"): (text: string) => boolean {
  if (pattern === "") return () => true;
  const { RE2JS, RE2JSException }: typeof import("re2js") = require("re2js");
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
