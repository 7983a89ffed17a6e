// What a stream shows of the hosts' readings: their exact merge, and each event once; made safe to show, as every answer is.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  HostEventsSchema,
  type TraceFinishedSchema,
  type TraceRequest,
} from "../../gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import { TraceReadingSchema } from "../../gen/systemsmanager/trace/v1/reading_pb.js";
import { cleanMessage } from "../../shared/clean-message.js";
import { type HostReading, mergeReadings } from "./merge-readings.js";
import { NewEvents } from "./new-events.js";

export type Shown = Pick<MessageInitShape<typeof TraceFinishedSchema>, "merged" | "rowHosts" | "hostEvents">;

const defaultLimit = 100;
// A stack has up to 254 names.
const maxTextLength = 128 * 1024;

/** Remembers which events were shown. */
export class ShownReadings {
  readonly #newEvents = new NewEvents();
  readonly #limit: number;
  readonly #asksEvents: boolean;

  constructor({ limit, question }: TraceRequest) {
    const asked = question?.question;
    this.#asksEvents = asked?.case === "events";
    this.#limit = limit || (asked?.case && asked.case !== "events" ? asked.value.limit : 0) || defaultLimit;
  }

  take(readings: readonly HostReading[]): Shown {
    const { merged, rowHosts } = mergeReadings(readings, this.#limit);
    const hostEvents = this.#asksEvents ? this.#newEvents.take(readings) : [];
    return {
      merged: cleanMessage(TraceReadingSchema, merged, maxTextLength),
      rowHosts,
      hostEvents: hostEvents.map((events) =>
        cleanMessage(HostEventsSchema, create(HostEventsSchema, events), maxTextLength),
      ),
    };
  }
}
