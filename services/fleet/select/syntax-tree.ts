// What a parsed CEL expression refers to, and how big it is.
import type { parse } from "@bufbuild/cel";

/** A parsed expression. */
export type Expression = ReturnType<typeof parse>["expr"];

/** A name that an expression uses, and where. */
export interface Reference {
  readonly name: string;
  readonly exprId: bigint;
}

/** What matters of an expression before it is evaluated. */
export interface SyntaxSummary {
  /** Names that are no variables of an enclosing macro. */
  readonly references: readonly Reference[];
  /** Keys of labels.KEY and labels["KEY"]. */
  readonly labelKeys: ReadonlySet<string>;
  readonly nodeCount: number;
  /** How many macros (exists, all, map, filter) stand inside each other at most. */
  readonly macroDepth: number;
}

/** Walks the whole expression. */
export function summarizeSyntax(expression: Expression): SyntaxSummary {
  const references: Reference[] = [];
  const labelKeys = new Set<string>();
  let nodeCount = 0;
  let macroDepth = 0;
  const visit = (node: Expression, bound: ReadonlySet<string>, depth: number): void => {
    nodeCount++;
    macroDepth = Math.max(macroDepth, depth);
    const kind = node.exprKind;
    if (kind.case === "identExpr" && !bound.has(kind.value.name)) {
      references.push({ name: kind.value.name.replace(/^\./, ""), exprId: node.id });
    }
    const key = labelKeyOf(node);
    if (key !== undefined) labelKeys.add(key);
    if (kind.case === "comprehensionExpr") {
      const { iterVar, iterVar2, accuVar, iterRange, accuInit, loopStep, loopCondition, result } = kind.value;
      const inner = new Set([...bound, iterVar, iterVar2, accuVar]);
      for (const child of [iterRange, accuInit]) if (child) visit(child, bound, depth);
      for (const child of [loopStep, loopCondition, result]) if (child) visit(child, inner, depth + 1);
      return;
    }
    for (const child of childrenOf(node)) visit(child, bound, depth);
  };
  visit(expression, new Set(), 0);
  return { references, labelKeys, nodeCount, macroDepth };
}

function childrenOf({ exprKind: kind }: Expression): Expression[] {
  switch (kind.case) {
    case "selectExpr":
      return kind.value.operand ? [kind.value.operand] : [];
    case "callExpr":
      return kind.value.target ? [kind.value.target, ...kind.value.args] : kind.value.args;
    case "listExpr":
      return kind.value.elements;
    case "structExpr":
      return kind.value.entries.flatMap((entry) => [
        ...(entry.keyKind.case === "mapKey" ? [entry.keyKind.value] : []),
        ...(entry.value ? [entry.value] : []),
      ]);
    default:
      return [];
  }
}

function labelKeyOf({ exprKind: kind }: Expression): string | undefined {
  if (kind.case === "selectExpr" && isLabels(kind.value.operand)) return kind.value.field;
  if (kind.case !== "callExpr" || kind.value.function !== "_[_]" || !isLabels(kind.value.args[0])) return undefined;
  const index = kind.value.args[1]?.exprKind;
  const constant = index?.case === "constExpr" ? index.value.constantKind : undefined;
  return constant?.case === "stringValue" ? constant.value : undefined;
}

function isLabels(node: Expression | undefined): boolean {
  return node?.exprKind.case === "identExpr" && node.exprKind.value.name === "labels";
}
