// What the head of a page or picture says.
import { countSamples, type FleetProfile } from "./fleet-profile.js";

/** "812 samples, about 8.20 s of CPU time, in 10.0 s at 99 Hz". */
export function summarizeProfile(profile: FleetProfile): string {
  const { samplesPerSecond, durationMs, otherSamples } = profile;
  const shown = countSamples(profile);
  const busy = (shown / samplesPerSecond).toFixed(2);
  const others = otherSamples > 0 ? `; ${otherSamples} samples of rarer stacks are not shown` : "";
  return `${shown} samples, about ${busy} s of CPU time, in ${(durationMs / 1000).toFixed(1)} s at ${samplesPerSecond} Hz${others}`;
}

/** Text as it may stand in HTML and SVG. */
export function escapeText(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => entities[character] as string);
}
