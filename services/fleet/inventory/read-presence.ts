// A message of the presence topic, read and checked.
import { fromBinary } from "@bufbuild/protobuf";
import type { IncomingMessage } from "../../bus/bus.js";
import { HostFactsSchema, type PresenceRecord, PresenceRecordSchema } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import type { Logger } from "../../shared/log.js";
import { validate } from "../../shared/validation.js";

/** What a message says; "forgotten" is the word about a host or relay that is to be known no more. */
export type PresenceWord = PresenceRecord["record"] | { readonly case: "forgotten"; readonly value: string };

/** A presence that is not valid says nothing about anybody: it is dropped, and the log says so. */
export function readPresence({ key, value }: IncomingMessage, log: Logger): PresenceWord {
  if (value.length === 0) return { case: "forgotten", value: key };
  try {
    const { record } = fromBinary(PresenceRecordSchema, value);
    if (record.case === "host") {
      if (!record.value.facts) throw new Error("it has no facts");
      validate(HostFactsSchema, record.value.facts);
    }
    return record;
  } catch (error) {
    log.warn({ reason: String(error), bytes: value.length }, "a presence message is not valid and was dropped");
    return { case: undefined };
  }
}
