// Regular looks at every attached daemon: whether it still lives, and whether it heard that its relay does.
import { setImmediate as yieldToEvents } from "node:timers/promises";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Attachment, AttachmentTable } from "./attachment-table.js";
import { owesWord, tellTaken } from "./tell-taken.js";

// So many streams are looked at before anything else gets its turn: writing to ten thousand of them takes a while.
const streamsPerTurn = 100;

/** Looks four times in each interval, until the returned function is called. */
export function startSweeping(table: AttachmentTable, intervalMs: number): () => void {
  let sweeping = false;
  const sweep = async () => {
    if (sweeping) return;
    sweeping = true;
    await sweepAttachments(table, intervalMs);
    sweeping = false;
  };
  const timer = setInterval(() => void sweep(), intervalMs / 4);
  return () => clearInterval(timer);
}

// Ends attachments that were silent for three intervals; says something to those that heard nothing for one, or nothing of their
// replies: a message for every reply would cost as much as the reply.
async function sweepAttachments(table: AttachmentTable, intervalMs: number): Promise<void> {
  let looked = 0;
  let now = performance.now();
  for (const attachment of table.byHostId.values()) {
    if (++looked % streamsPerTurn === 0) {
      await yieldToEvents();
      now = performance.now();
    }
    sweep(attachment, intervalMs, now);
  }
}

function sweep(attachment: Attachment, intervalMs: number, now: number): void {
  const { stream, facts, lastReceived, lastSent } = attachment;
  if (now - lastReceived > 3 * intervalMs) stream.end(silent(facts.hostId, now - lastReceived));
  else if (now - lastSent >= intervalMs || owesWord(attachment, now, intervalMs)) tellTaken(attachment, now);
}

function silent(hostId: string, milliseconds: number) {
  return failure(ErrorReason.UNREACHABLE, `host ${hostId} was silent for ${Math.round(milliseconds)} ms`, {
    metadata: { address: hostId },
    remedy: "attach again",
  });
}
