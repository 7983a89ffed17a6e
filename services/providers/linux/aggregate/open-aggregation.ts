// An aggregation: the kernel counts or measures, and is read now and then.
import { ErrorReason, failure } from "../../../shared/errors.js";
import { type CaptureFilter, completeFilter } from "../capture/open-capture.js";
import { type AggregationQuestion, checkQuestion, keys, roomFor, sources } from "./aggregation-question.js";
import { type AggregationReading, decodeReading } from "./decode-reading.js";
import type { AggregationAddon } from "./native-aggregation.js";

/** Open until closed. */
export interface Aggregation {
  /** Everything since the beginning: figures only grow. */
  read(): Promise<AggregationReading>;
  /** Holds for what begins after it resolved. */
  setFilter(filter: CaptureFilter): Promise<void>;
  /** Counts no more and resolves with the last reading, which is exact; nothing is left in the kernel. */
  close(): Promise<AggregationReading>;
}

/**
 * Loads and attaches the kernel's programs that the question needs, and no others. Rejects with an errno in `errno` when the kernel
 * refuses them.
 */
export async function openAggregation(
  addon: Partial<AggregationAddon>,
  question: AggregationQuestion,
): Promise<Aggregation> {
  checkQuestion(question);
  const mostKeys = roomFor(question);
  if (!addon.openAggregation) {
    throw failure(ErrorReason.UNSUPPORTED, "this build of the native addon counts nothing in the kernel", {
      metadata: { operation: "aggregation", needs: "clang, bpftool, libbpf-dev" },
      remedy: "install clang, bpftool and libbpf-dev and build it again: node .ci/setup.mjs",
    });
  }
  const { source, by, measure, filter = {} } = question;
  const asked = { source: sources[source], by: keys[by], measuresLatency: measure === "latency", mostKeys };
  const native = await addon.openAggregation({ ...asked, filter: completeFilter(filter) });
  let closing: Promise<AggregationReading> | undefined;
  return {
    read: async () => decodeReading(await native.read(), question),
    setFilter: (next) => native.setFilter(completeFilter(next)),
    close() {
      closing ??= native.close().then((last) => decodeReading(last, question));
      return closing;
    },
  };
}
