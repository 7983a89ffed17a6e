// The one place where a bus is chosen.
import { ErrorReason, failure } from "../shared/errors.js";
import type { Bus, BusOptions } from "./bus.js";
import { openEmbeddedBus } from "./embedded/open-embedded-bus.js";

const kinds = ["embedded", "kafka"];

/** Opens the bus of this kind. INVALID_ARGUMENT for a kind that does not exist, UNSUPPORTED for one that cannot be had. */
export async function openBus(options: BusOptions & { readonly kind: string }): Promise<Bus> {
  switch (options.kind) {
    case "embedded":
      return openEmbeddedBus(options);
    case "kafka":
      throw failure(ErrorReason.UNSUPPORTED, `this version has no bus of kind "kafka"`, {
        metadata: { operation: "openBus", needs: "kafka" },
        remedy: `use "embedded", which carries everything within one process`,
      });
    default:
      throw failure(ErrorReason.INVALID_ARGUMENT, `no bus is of kind ${JSON.stringify(options.kind)}`, {
        metadata: { field: "kind", rule: kinds.join(",") },
        remedy: `use one of ${kinds.join(", ")}`,
      });
  }
}
