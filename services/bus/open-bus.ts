// The one place where a bus is chosen.
import { ErrorReason, failure } from "../shared/errors.js";
import type { Bus, BusOptions } from "./bus.js";
import { openEmbeddedBus } from "./embedded/open-embedded-bus.js";
import type { KafkaBusOptions } from "./kafka/kafka-options.js";
import { openRemoteBus, type RemoteBusOptions } from "./remote/open-remote-bus.js";

const kinds = ["embedded", "remote", "kafka"];

/** The kind, and what a bus of this kind needs. */
export type OpenBusOptions = BusOptions &
  Partial<RemoteBusOptions> &
  Partial<KafkaBusOptions> & { readonly kind: string };

/** Opens the bus of this kind. INVALID_ARGUMENT for a kind that does not exist, UNSUPPORTED for one that cannot be had. */
export async function openBus(options: OpenBusOptions): Promise<Bus> {
  switch (options.kind) {
    case "embedded":
      return openEmbeddedBus(options);
    case "remote":
      return openRemoteBus(withAddress(options));
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

function withAddress(options: OpenBusOptions): RemoteBusOptions {
  const { url, token, log } = options;
  if (url !== undefined && token !== undefined && log !== undefined) return { ...options, url, token, log };
  throw failure(ErrorReason.INVALID_ARGUMENT, `a bus of kind "remote" needs url, token and log`, {
    metadata: { field: "url", rule: "required" },
    remedy: "give the address that the control plane logs for its bus, and its token",
  });
}
