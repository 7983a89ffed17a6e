// A selector's text → the exact hosts it means now. Three forms: `all`; host names separated by commas or spaces; a CEL
// condition over facts. A text of host name characters alone is a list of names, except `online`, which is a condition.
import { ErrorReason, failure } from "../../shared/errors.js";
import { nearest } from "../../shared/nearest.js";
import type { InventoryHost } from "../inventory/inventory.js";
import { compileExpression } from "./expression.js";
import { factNames } from "./fact-variables.js";

const nameList = /^[A-Za-z0-9][A-Za-z0-9._~-]*(?:[\s,]+[A-Za-z0-9][A-Za-z0-9._~-]*)*[\s,]*$/;
const maxNamesShown = 5;

/**
 * The selected hosts in the inventory's order, at least one. Throws INVALID_ARGUMENT (empty), SELECTOR_SYNTAX, UNKNOWN_FACT,
 * UNKNOWN_HOST, NO_HOST_MATCHES.
 */
export function selectHosts(selector: string, hosts: readonly InventoryHost[]): readonly InventoryHost[] {
  const text = selector.trim();
  if (text === "") throw emptySelector();
  if (text === "all") return atLeastOne(text, hosts, hosts);
  if (nameList.test(text) && text !== "online") return selectNames(text, hosts);
  const expression = compileExpression(text);
  return atLeastOne(text, expression.filter(hosts), hosts, expression.labelKeys);
}

function emptySelector() {
  return failure(ErrorReason.INVALID_ARGUMENT, "the selector is empty", {
    metadata: { field: "selector", rule: "string.min_len" },
    remedy: "write all for all hosts, host names, or a condition such as distro == 'debian'",
  });
}

function selectNames(text: string, hosts: readonly InventoryHost[]): readonly InventoryHost[] {
  const wanted = new Set(text.split(/[\s,]+/).filter((name) => name !== ""));
  const selected = hosts.filter((host) => wanted.has(host.name));
  if (selected.length === wanted.size) return selected;
  const found = new Set(selected.map((host) => host.name));
  const unknown = [...wanted].filter((name) => !found.has(name));
  throw unknownHosts(unknown, hosts);
}

function unknownHosts(unknown: readonly string[], hosts: readonly InventoryHost[]) {
  const [first = ""] = unknown;
  const candidates = nearest(
    first,
    hosts.map((host) => host.name),
  );
  const shown = unknown
    .slice(0, maxNamesShown)
    .map((name) => JSON.stringify(name))
    .join(", ");
  const more = unknown.length > maxNamesShown ? ` and ${unknown.length - maxNamesShown} more` : "";
  const hint = factNames.includes(first)
    ? `${first} is a fact: write a condition such as ${first} == 'value'`
    : `nearest: ${candidates.join(", ") || "none, no host has attached yet"}`;
  return failure(
    ErrorReason.UNKNOWN_HOST,
    `no host is named ${shown}${more} among the ${hosts.length} of the inventory`,
    {
      metadata: { host: unknown.slice(0, maxNamesShown).join(","), nearest: candidates.join(",") },
      remedy: `${hint}; find_hosts with the selector all lists the names`,
    },
  );
}

function atLeastOne(
  selector: string,
  selected: readonly InventoryHost[],
  hosts: readonly InventoryHost[],
  labelKeys: ReadonlySet<string> = new Set(),
): readonly InventoryHost[] {
  if (selected.length > 0) return selected;
  const remedy = hosts.length === 0 ? "attach a daemon first: no host has attached yet" : labelHint(labelKeys, hosts);
  throw failure(ErrorReason.NO_HOST_MATCHES, `none of the ${hosts.length} hosts matches the selector`, {
    metadata: { selector },
    remedy: remedy ?? "list the hosts and their facts with the selector all, then widen the condition",
  });
}

function labelHint(labelKeys: ReadonlySet<string>, hosts: readonly InventoryHost[]): string | undefined {
  const used = new Set(hosts.flatMap((host) => Object.keys(host.facts.labels)));
  const unused = [...labelKeys].filter((key) => !used.has(key));
  const [first] = unused;
  if (first === undefined) return undefined;
  const candidates = nearest(first, [...used]).join(", ");
  return `no host has the label ${unused.join(", ")}; ${candidates ? `nearest labels: ${candidates}` : "no host has any label"}`;
}
