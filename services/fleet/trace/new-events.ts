// Which events of a host's newest ones no interval before had.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HostEventsSchema } from "../../gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import type { TracedEvent } from "../../gen/systemsmanager/trace/v1/reading_pb.js";
import type { HostReading } from "./merge-readings.js";

interface Seen {
  readonly events: ReadonlySet<string>;
  readonly delivered: bigint;
}

/** Remembers the newest events of each host. */
export class NewEvents {
  readonly #seen = new Map<string, Seen>();

  /** Hosts with nothing new are left out. */
  take(readings: readonly HostReading[]): MessageInitShape<typeof HostEventsSchema>[] {
    return readings.flatMap(({ host, reading }) => {
      const before = this.#seen.get(host) ?? { events: new Set(), delivered: 0n };
      const events = reading.events.filter((event) => !before.events.has(identityOf(event)));
      const delivered = reading.accounts.reduce((sum, account) => sum + account.delivered, 0n);
      this.#seen.set(host, { events: new Set(reading.events.map(identityOf)), delivered });
      const omittedCount = delivered - before.delivered - BigInt(events.length);
      if (events.length === 0 && omittedCount <= 0n) return [];
      return [{ host, events, omittedCount: omittedCount > 0n ? omittedCount : 0n }];
    });
  }
}

// Numbers are of their CPU.
function identityOf({ event, line }: TracedEvent): string {
  return event ? `${event.cpu}/${event.sequence}` : line;
}
