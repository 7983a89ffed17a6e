// A flame graph as one SVG picture, for documents: callers above, what they call below, as the page has it. Frames that would be
// narrower than a pixel are left out; the page has them all.
import { buildFlameTree, type FlameNode } from "./build-flame-tree.js";
import { escapeText, summarizeProfile } from "./describe-profile.js";
import type { FleetProfile } from "./fleet-profile.js";

const width = 1200;
const rowHeight = 18;
const headHeight = 52;
const characterWidth = 6.7;
const fills: Record<FlameNode["kind"], string> = {
  all: "#dcd7ce",
  process: "#cfc8bc",
  native: "#f5b971",
  compiled: "#8fcf9f",
  kernel: "#8fb8e8",
  unknown: "#d8b8c4",
};

/** The title is shown as it is; say what was profiled and where. */
export function renderFlamePicture(profile: FleetProfile, title: string): string {
  const root = buildFlameTree(profile);
  const perSample = width / Math.max(root.samples, 1);
  const height = headHeight + rowHeight * depthOf(root, perSample) + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, monospace" font-size="11">
<title>${escapeText(title)}</title>
<rect width="${width}" height="${height}" fill="#fbfaf8"/>
<text x="8" y="20" font-size="15" fill="#1d1b19">${escapeText(title)}</text>
<text x="8" y="40" fill="#6a645c">${escapeText(summarizeProfile(profile))}; green: compiled at run time, orange: native, blue: kernel</text>
${drawNode(root, { x: 0, depth: 0, perSample, all: root.samples })}</svg>
`;
}

interface Place {
  readonly x: number;
  readonly depth: number;
  readonly perSample: number;
  readonly all: number;
}

function drawNode(node: FlameNode, place: Place): string {
  const { x, depth, perSample, all } = place;
  const wide = node.samples * perSample;
  if (wide < 1) return "";
  const y = headHeight + depth * rowHeight;
  const share = ((100 * node.samples) / Math.max(all, 1)).toFixed(1);
  const hint = `<title>${escapeText(`${node.name}: ${node.samples} samples, ${share} %`)}</title>`;
  const box = `<rect x="${x.toFixed(1)}" y="${y}" width="${(wide - 0.5).toFixed(1)}" height="${rowHeight - 1}" rx="1.5" fill="${fills[node.kind]}">${hint}</rect>`;
  let childX = x;
  const children = node.children.map((child) => {
    const drawn = drawNode(child, { ...place, x: childX, depth: depth + 1 });
    childX += child.samples * perSample;
    return drawn;
  });
  return `${box}${drawName(node.name, x, y, wide)}\n${children.join("")}`;
}

function drawName(name: string, x: number, y: number, wide: number): string {
  const room = Math.floor((wide - 8) / characterWidth);
  if (room < 3) return "";
  const text = name.length <= room ? name : `${name.slice(0, room - 1)}…`;
  return `<text x="${(x + 4).toFixed(1)}" y="${y + 13}" fill="#1d1b19">${escapeText(text)}</text>`;
}

function depthOf(node: FlameNode, perSample: number): number {
  const drawn = node.children.filter(({ samples }) => samples * perSample >= 1);
  return 1 + Math.max(0, ...drawn.map((child) => depthOf(child, perSample)));
}
