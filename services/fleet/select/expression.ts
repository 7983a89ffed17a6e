// CEL expressions over the facts of hosts, compiled once and evaluated per host, within bounds: length, nodes, nesting of
// macros, time. matches() runs on RE2 (linear time), each pattern compiled once per selector.
//
// A label that a host does not have is no error: where the outcome hangs on it, the host is no match, whichever way the
// comparison goes. `labels.env != 'prod'` thus leaves out a host without env; `!has(labels.env) || labels.env != 'prod'` takes it in.
import { celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import { ErrorReason, failure } from "../../shared/errors.js";
import { nearest } from "../../shared/nearest.js";
import { compilePattern } from "../../shared/pattern.js";
import type { InventoryHost } from "../inventory/inventory.js";
import { bindFacts, factNames, factTypes } from "./fact-variables.js";
import { syntaxFailure } from "./syntax-failure.js";
import { type SyntaxSummary, summarizeSyntax } from "./syntax-tree.js";

const maxLength = 4096;
const maxNodes = 1000;
const maxMacroDepth = 2;
const maxPatterns = 64;
const maxMilliseconds = 1000;
const hostsBetweenClockReads = 64;

/** A selector expression, ready to be asked. */
export interface CompiledExpression {
  /** Label keys that it names. */
  readonly labelKeys: ReadonlySet<string>;
  /** The hosts for which it is true, in the order given. Throws SELECTOR_SYNTAX, DEADLINE_EXCEEDED. */
  filter(hosts: readonly InventoryHost[]): InventoryHost[];
}

/** Throws SELECTOR_SYNTAX with the position, UNKNOWN_FACT with the nearest facts, TOO_LARGE. */
export function compileExpression(text: string): CompiledExpression {
  if (text.length > maxLength) {
    throw failure(
      ErrorReason.TOO_LARGE,
      `the selector expression has ${text.length} characters, the limit is ${maxLength}`,
      {
        metadata: { bytes: String(Buffer.byteLength(text)), limit: String(maxLength) },
        remedy: "list host names, or give the hosts a label and select by it",
      },
    );
  }
  const parsed = parseExpression(text);
  const positions = parsed.sourceInfo?.positions ?? {};
  const positionOf = (exprId: bigint | undefined) => (exprId === undefined ? undefined : positions[String(exprId)]);
  const syntax = summarizeSyntax(parsed.expr);
  checkReferences(text, syntax, positionOf);
  const regexes = patternCache();
  const evaluate = plan(celEnv({ variables: factTypes, re2: regexes }), parsed);

  const matches = (host: InventoryHost): boolean => {
    const facts = bindFacts(host);
    facts.labels.missed = false;
    const value = evaluate(facts);
    if (typeof value === "boolean") return value;
    if (regexes.failure) throw regexes.failure;
    if (!isCelError(value)) throw syntaxFailure(text, `it gives no boolean but ${describeValue(value)}`, 0);
    if (facts.labels.missed) return false;
    throw syntaxFailure(text, value.message, positionOf(value.exprId));
  };
  return {
    labelKeys: syntax.labelKeys,
    filter: (hosts) => withoutStackTraces(() => filterInTime(text, hosts, matches)),
  };
}

function parseExpression(text: string) {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw syntaxFailure(text, "it is nested too deep", undefined, error);
    const { rawMessage, location } = error as { rawMessage?: string; location?: { start: { offset: number } } };
    throw syntaxFailure(text, rawMessage ?? String(error), location?.start.offset, error);
  }
}

function checkReferences(text: string, syntax: SyntaxSummary, positionOf: (id: bigint) => number | undefined): void {
  for (const { name, exprId } of syntax.references) {
    if (factNames.includes(name)) continue;
    const candidates = nearest(name, factNames);
    const position = positionOf(exprId);
    const where = position === undefined ? "" : ` at position ${position}`;
    throw failure(
      ErrorReason.UNKNOWN_FACT,
      `the selector names ${JSON.stringify(name)}${where}, which is no fact of hosts`,
      {
        metadata: { fact: name, nearest: candidates.join(",") },
        remedy: `did you mean ${candidates.join(", ")}? Put text in quotes; all facts: ${factNames.join(", ")}`,
      },
    );
  }
  if (syntax.references.length === 0) {
    throw syntaxFailure(text, "it names no fact, so it is the same for every host; write all for all hosts", 0);
  }
  if (syntax.nodeCount > maxNodes)
    throw syntaxFailure(text, `it has ${syntax.nodeCount} parts, the limit is ${maxNodes}`);
  if (syntax.macroDepth > maxMacroDepth) {
    throw syntaxFailure(text, `its macros are nested ${syntax.macroDepth} deep, the limit is ${maxMacroDepth}`);
  }
}

function filterInTime(text: string, hosts: readonly InventoryHost[], matches: (host: InventoryHost) => boolean) {
  const end = performance.now() + maxMilliseconds;
  return hosts.filter((host, index) => {
    if (index % hostsBetweenClockReads === 0 && performance.now() > end) throw tooSlow(text, index, hosts.length);
    return matches(host);
  });
}

function tooSlow(selector: string, done: number, total: number) {
  return failure(ErrorReason.DEADLINE_EXCEEDED, `the selector was evaluated for ${done} of ${total} hosts in 1 s`, {
    metadata: { timeout: `${maxMilliseconds}ms`, selector },
    remedy: "use a simpler expression, or give the hosts a label and select by it",
  });
}

// CEL reports errors as Error objects that nobody reads the stack of; taking it costs more than the evaluation.
function withoutStackTraces<T>(action: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return action();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function patternCache() {
  const compiled = new Map<string, { test(text: string): boolean }>();
  const cache = {
    failure: undefined as unknown,
    compile(pattern: string) {
      const known = compiled.get(pattern);
      if (known) return known;
      try {
        const matcher = { test: compilePattern(pattern, "selector") };
        if (compiled.size < maxPatterns) compiled.set(pattern, matcher);
        return matcher;
      } catch (error) {
        cache.failure = error;
        throw error;
      }
    },
  };
  return cache;
}

function describeValue(value: unknown): string {
  return typeof value === "bigint" || typeof value === "number"
    ? "a number"
    : typeof value === "string"
      ? "text"
      : "an object";
}
