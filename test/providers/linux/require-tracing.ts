// Whether this machine's kernel can be traced: tried, with the addon as it was built. Tests that trace it take `test` from here instead of
// from vitest. Without root, BTF or clang they are skipped and the reason is printed; with CI=true that is an error.
import { createRequire } from "node:module";
import { describe as describeAlways, test as testAlways } from "vitest";
import type { CaptureAddon } from "../../../services/providers/linux/capture/native-capture.js";
import { openCapture } from "../../../services/providers/linux/capture/open-capture.js";
import { builtAddonPath } from "../../../services/providers/linux/native.js";
import type { ProfileAddon } from "../../../services/providers/linux/profile/native-profile.js";
import { openProfile } from "../../../services/providers/linux/profile/open-profile.js";
import { reportSkip } from "../../shared/report-skip.js";

type TracingAddon = CaptureAddon & ProfileAddon;

const loaded = loadAddon();

/** Undefined only where all that uses it is skipped. */
export const addon = loaded.addon as TracingAddon;

/** Why nothing can be traced here; undefined when it can. */
export const cannotTrace = loaded.reason ?? (await findRefusal());
if (cannotTrace !== undefined) reportSkip("kernel that can be traced", cannotTrace, process.env.CI === "true");

export const test = testAlways.skipIf(cannotTrace !== undefined);
export const describe = describeAlways.skipIf(cannotTrace !== undefined);

function loadAddon(): { readonly addon?: TracingAddon; readonly reason?: string } {
  try {
    const found: Partial<TracingAddon> = createRequire(import.meta.url)(builtAddonPath());
    if (found.openCapture && found.openProfile) return { addon: found as TracingAddon };
    return { reason: "the addon was built without clang, bpftool or libbpf-dev" };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

async function findRefusal(): Promise<string | undefined> {
  try {
    await (await openCapture(addon, { kinds: ["exec"] })).close();
    await (await openProfile(addon, { samplesPerSecond: 1 })).close();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] as string;
}
