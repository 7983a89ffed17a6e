// The one place where a bus is chosen.
import { ErrorReason, failure } from "../shared/errors.js";
import type { Bus, BusOptions } from "./bus.js";
import { openEmbeddedBus } from "./embedded/open-embedded-bus.js";
import type { KafkaBusOptions } from "./kafka/kafka-options.js";
import { openKafkaBus } from "./kafka/open-kafka-bus.js";
import { openRemoteBus, type RemoteBusOptions } from "./remote/open-remote-bus.js";

const kinds = ["embedded", "remote", "kafka"];

/** The kind, and what a bus of this kind needs. */
export type OpenBusOptions = BusOptions &
  Partial<RemoteBusOptions> &
  Partial<KafkaBusOptions> & { readonly kind: string };

/** Opens the bus of this kind. INVALID_ARGUMENT for a kind that does not exist, or that lacks what it needs. */
export async function openBus(options: OpenBusOptions): Promise<Bus> {
  switch (options.kind) {
    case "embedded":
      return openEmbeddedBus(options);
    case "remote":
      return openRemoteBus(withAddress(options));
    case "kafka":
      return openKafkaBus(withBrokers(options));
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

function withBrokers(options: OpenBusOptions): KafkaBusOptions {
  const { brokers = [], fleetId, log } = options;
  if (brokers.length > 0 && fleetId !== undefined && log !== undefined) return { ...options, brokers, fleetId, log };
  throw failure(ErrorReason.INVALID_ARGUMENT, `a bus of kind "kafka" needs brokers, fleetId and log`, {
    metadata: { field: "brokers", rule: "required" },
    remedy: "give HOST:PORT of at least one broker",
  });
}
