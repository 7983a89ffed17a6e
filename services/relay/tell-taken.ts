// The word to a daemon that its relay lives, and which of its replies it need not send again.
import { create } from "@bufbuild/protobuf";
import { HeartbeatSchema } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { createOutgoingData, type OutgoingData } from "../shared/http2/outgoing-data.js";
import { encodeResponse } from "./attach-messages.js";
import type { Attachment } from "./attachment-table.js";

/** Sends a heartbeat. */
export function tellTaken(attachment: Attachment, now: number): void {
  attachment.stream.send(takeHeartbeat(attachment, now));
}

/** True when the daemon has heard nothing of replies that the bus has, for so long. */
export function owesWord({ lastTold, toldReplies, takenReplies }: Attachment, now: number, milliseconds: number) {
  return now - lastTold >= milliseconds && takenReplies() > toldReplies;
}

/** The data, and the word that is owed behind it: in one write, where a heartbeat of its own would cost as much as a command. */
export function withTaken(attachment: Attachment, data: OutgoingData, now: number): OutgoingData {
  return createOutgoingData(...data.parts, ...takeHeartbeat(attachment, now).parts);
}

// For whoever sends it at once.
function takeHeartbeat(attachment: Attachment, now: number): OutgoingData {
  attachment.toldReplies = attachment.takenReplies();
  attachment.lastTold = now;
  attachment.lastSent = now;
  return heartbeatOf(attachment.toldReplies);
}

let latest = { takenReplies: 0, data: encodeHeartbeat(0) };

// Hosts that are asked together have as many replies taken: most of them get the same bytes.
function heartbeatOf(takenReplies: number): OutgoingData {
  if (latest.takenReplies !== takenReplies) latest = { takenReplies, data: encodeHeartbeat(takenReplies) };
  return latest.data;
}

function encodeHeartbeat(takenReplies: number): OutgoingData {
  return encodeResponse({ case: "heartbeat", value: create(HeartbeatSchema, { takenReplies: BigInt(takenReplies) }) });
}
