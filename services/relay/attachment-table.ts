// Which hosts are attached here, at most once each.
import type { HostFacts } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { AttachStream } from "./attach-stream.js";

/** One attached daemon. */
export interface Attachment {
  readonly facts: HostFacts;
  /** Grows with each attachment of the host. */
  readonly number: bigint;
  readonly stream: AttachStream;
  /** By performance.now(). */
  lastReceived: number;
  lastSent: number;
  /** Replies of the stream that the bus has, counted from the first without a gap. */
  takenReplies(): number;
  /** What the daemon was told of them, and when, by performance.now(). */
  toldReplies: number;
  lastTold: number;
}

/** What a host attaches with. */
export interface AttachingHost extends Pick<Attachment, "facts" | "stream" | "takenReplies"> {
  /** The host's own count of its attachments; 0 when it keeps none. */
  readonly claimedNumber: bigint;
}

/** Told when a host came or went. A host that attached again meanwhile did not go. */
export type PresenceListener = (attachment: Attachment, online: boolean) => void;

export interface AttachmentTable {
  readonly byHostId: ReadonlyMap<string, Attachment>;
  /** Adds the host; ends its former attachment with ATTACHED_ELSEWHERE. */
  attach(hello: AttachingHost): Attachment;
  detach(attachment: Attachment): void;
}

export function createAttachmentTable(onPresence: PresenceListener): AttachmentTable {
  const byHostId = new Map<string, Attachment>();
  return {
    byHostId,
    attach({ facts, claimedNumber, stream, takenReplies }) {
      const former = byHostId.get(facts.hostId);
      const number = nextNumber(former, claimedNumber);
      const now = performance.now();
      const seen = { lastReceived: now, lastSent: now, lastTold: now };
      const attachment = { facts, number, stream, takenReplies, toldReplies: 0, ...seen };
      byHostId.set(facts.hostId, attachment);
      former?.stream.end(attachedElsewhere(facts.hostId));
      onPresence(attachment, true);
      return attachment;
    },
    detach(attachment) {
      if (byHostId.get(attachment.facts.hostId) !== attachment) return;
      byHostId.delete(attachment.facts.hostId);
      onPresence(attachment, false);
    },
  };
}

// A host that keeps no count of its own gets the clock's, so that numbers grow across relays too.
function nextNumber(former: Attachment | undefined, claimed: bigint): bigint {
  const wanted = claimed > 0n ? claimed : BigInt(Date.now());
  return former && former.number >= wanted ? former.number + 1n : wanted;
}

function attachedElsewhere(hostId: string) {
  return failure(ErrorReason.ATTACHED_ELSEWHERE, `another daemon attached with host id ${hostId}`, {
    metadata: { host_id: hostId },
    remedy: "if two machines share a machine id, give one of them a new one",
  });
}
