// Which investigation answers which question, on the addon that this build has.
import { createRequire } from "node:module";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { OpenInvestigation } from "../../trace/investigation.js";
import type { AggregationAddon } from "../aggregate/native-aggregation.js";
import type { CaptureAddon } from "../capture/native-capture.js";
import { builtAddonPath } from "../native.js";
import type { ProfileAddon } from "../profile/native-profile.js";
import { investigateCounts } from "./investigate-counts.js";
import { investigateEvents } from "./investigate-events.js";
import { investigateLatency } from "./investigate-latency.js";
import { investigateProfile } from "./investigate-profile.js";

/** What it exports depends on what was there when it was built. */
export type TracingAddon = Partial<CaptureAddon & ProfileAddon & AggregationAddon>;

/** Loads the addon when it is needed first. Throws UNSUPPORTED without it. */
export function openInvestigationsOf(path = builtAddonPath()): OpenInvestigation {
  let addon: TracingAddon | undefined;
  return async ({ question, filter }) => {
    addon ??= loadAddon(path);
    if (question.case === "events") return investigateEvents(addon, question.value, filter);
    if (question.case === "profile") return investigateProfile(addon, question.value, filter);
    if (question.case === "count") return investigateCounts(addon, question.value, filter);
    if (question.case === "latency") return investigateLatency(addon, question.value, filter);
    throw failure(ErrorReason.UNSUPPORTED, `this build answers no trace question of the kind "${question.case}"`, {
      metadata: { operation: "StartTraceSession", needs: "a newer systems-manager" },
      remedy: "ask for events, counts, latencies or a profile",
    });
  };
}

function loadAddon(path: string): TracingAddon {
  try {
    return createRequire(import.meta.url)(path);
  } catch (cause) {
    throw failure(ErrorReason.UNSUPPORTED, `the native addon cannot be loaded: ${(cause as Error).message}`, {
      metadata: { operation: "StartTraceSession", needs: "the native addon" },
      remedy: "install cmake, a C++ compiler, clang, bpftool and libbpf-dev and build it: node .ci/setup.mjs",
      cause,
    });
  }
}
