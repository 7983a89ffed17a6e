// Files that a profile is written to, each in the format that its reader knows.
import { writeFile } from "node:fs/promises";
import type { FleetProfile } from "./fleet-profile.js";
import { renderFlamePage } from "./render-flame-page.js";
import { renderFlamePicture } from "./render-flame-picture.js";
import { writePprof } from "./write-pprof.js";

/** Paths; what is not given is not written. */
export interface ProfileFiles {
  readonly folded?: string;
  readonly pprof?: string;
  /** A page, or a picture when it ends in .svg. */
  readonly flameGraph?: string;
}

/** `folded` is the profile as lines of text. Rejects when a file cannot be written. */
export async function exportProfile(
  profile: FleetProfile,
  folded: string,
  title: string,
  files: ProfileFiles,
): Promise<void> {
  if (files.folded !== undefined) await writeFile(files.folded, folded);
  if (files.pprof !== undefined) await writeFile(files.pprof, await writePprof(profile, new Date()));
  if (files.flameGraph === undefined) return;
  const render = files.flameGraph.endsWith(".svg") ? renderFlamePicture : renderFlamePage;
  await writeFile(files.flameGraph, render(profile, title));
}
