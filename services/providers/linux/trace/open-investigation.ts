// Which investigation answers which question, on the addon that this build has.
import { createRequire } from "node:module";
import type { TraceQuestion } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { Investigation, OpenEventStream, OpenInvestigation } from "../../trace/investigation.js";
import type { AggregationAddon } from "../aggregate/native-aggregation.js";
import type { CaptureAddon } from "../capture/native-capture.js";
import type { CaptureOptions } from "../capture/open-capture.js";
import { builtAddonPath } from "../native.js";
import type { ProfileAddon } from "../profile/native-profile.js";
import { namesOfKinds } from "./capture-costs.js";
import { toCaptureFilter } from "./capture-filter.js";
import type { EventCapture } from "./event-capture.js";
import { investigateCounts } from "./investigate-counts.js";
import { investigateEvents } from "./investigate-events.js";
import { investigateLatency } from "./investigate-latency.js";
import { investigateProfile } from "./investigate-profile.js";
import { openKernelCapture } from "./kernel-capture.js";
import { openEventCapture } from "./open-event-capture.js";
import { streamEvents } from "./stream-events.js";

/** What it exports depends on what was there when it was built. */
export type TracingAddon = Partial<CaptureAddon & ProfileAddon & AggregationAddon>;

/** What this host can tell: sessions that are read, and events that are streamed. */
export interface Investigations {
  readonly open: OpenInvestigation;
  /** Without falling back to strace, to see what the kernel gives. */
  readonly openByKernel: OpenInvestigation;
  readonly openStream: OpenEventStream;
}

/** Loads the addon when it is needed first. Without it events are told by strace, and other questions are UNSUPPORTED. */
export function openInvestigationsOf(path = builtAddonPath()): Investigations {
  let loaded: TracingAddon | undefined;
  const addon = () => {
    loaded ??= loadAddon(path);
    return loaded;
  };
  const openByKernel: OpenCapture = async (options) => openKernelCapture(addon(), options);
  const openEither: OpenCapture = (options) => openEventCapture(openByKernel, options);
  return {
    open: (question) => openInvestigation(openEither, addon, question),
    openByKernel: (question) => openInvestigation(openByKernel, addon, question),
    async openStream({ kinds, filter, eventsPerSecond }) {
      const names = namesOfKinds(kinds);
      const options = { kinds: names, filter: await toCaptureFilter(filter), eventsPerSecond };
      return streamEvents(await openEither(options), names, eventsPerSecond);
    },
  };
}

type OpenCapture = (options: CaptureOptions) => Promise<EventCapture>;

async function openInvestigation(
  openCapture: OpenCapture,
  addon: () => TracingAddon,
  { question, filter }: TraceQuestion,
): Promise<Investigation> {
  if (question.case === "events") {
    const names = namesOfKinds(question.value.kinds);
    const capture = await openCapture({ kinds: names, filter: await toCaptureFilter(filter) });
    return investigateEvents(capture, names, question.value.keep);
  }
  if (question.case === "profile") return investigateProfile(addon(), question.value, filter);
  if (question.case === "count") return investigateCounts(addon(), question.value, filter);
  if (question.case === "latency") return investigateLatency(addon(), question.value, filter);
  throw failure(ErrorReason.UNSUPPORTED, `this build answers no trace question of the kind "${question.case}"`, {
    metadata: { operation: "StartTraceSession", needs: "a newer systems-manager" },
    remedy: "ask for events, counts, latencies or a profile",
  });
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
