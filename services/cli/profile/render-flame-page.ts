// A flame graph as one HTML page that needs nothing else: no network, no other file. Names in it are untrusted: they travel
// as data and are only ever shown as text, and the page may run no script but its own.
import { createHash } from "node:crypto";
import { buildFlameTree, type FlameNode } from "./build-flame-tree.js";
import { escapeText, summarizeProfile } from "./describe-profile.js";
import type { FleetProfile } from "./fleet-profile.js";
import { pageScript } from "./page-script.js";
import { pageStyle } from "./page-style.js";

const kinds = ["all", "process", "native", "compiled", "kernel", "unknown"] as const satisfies FlameNode["kind"][];

/** The title is shown as it is; say what was profiled and where. */
export function renderFlamePage(profile: FleetProfile, title: string): string {
  const policy = `default-src 'none'; script-src ${hashOf(pageScript)}; style-src ${hashOf(pageStyle)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${escapeText(title)}</h1>
<p>${escapeText(summarizeProfile(profile))}</p>
${profile.notes.map((note) => `<p class="note">${escapeText(note)}</p>`).join("\n")}
<div class="tools">
<input id="search" type="search" placeholder="Search functions  ( / )" aria-label="Search functions">
<output id="matched"></output>
<button id="reset" type="button">Whole graph (Esc)</button>
<span class="legend"><i class="native"></i>native <i class="compiled"></i>compiled at run time <i class="kernel"></i>kernel <i class="unknown"></i>no name</span>
</div>
</header>
<main id="graph" role="tree" aria-label="Flame graph: callers above, the functions they call below, width is CPU time"></main>
<footer id="details" aria-live="polite">Arrow keys move, Enter zooms, Esc goes back, / searches.</footer>
<noscript>This page draws its graph with a script of its own.</noscript>
<script type="application/json" id="profile">${dataOf(buildFlameTree(profile))}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

// Each name once; a node is [name, kind, samples, children]. Inside a script element only "<" could end the data.
function dataOf(root: FlameNode): string {
  const texts: string[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (text: string) => {
    const number = numbers.get(text) ?? texts.push(text) - 1;
    numbers.set(text, number);
    return number;
  };
  const pack = (node: FlameNode): unknown[] => [
    numberOf(node.name),
    kinds.indexOf(node.kind),
    node.samples,
    node.children.map(pack),
  ];
  const tree = pack(root);
  return JSON.stringify({ texts, kinds, tree }).replaceAll("<", "\\u003c");
}
