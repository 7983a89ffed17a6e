// A relay's leave: its daemons are told to go elsewhere, a few at a time, and finish what they do before they go.
import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { DrainSchema } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { encodeResponse } from "./attach-messages.js";
import type { AttachmentTable } from "./attachment-table.js";

const drainMessage = encodeResponse({ case: "drain", value: create(DrainSchema) });
// The other relays have to greet every one of them, so they are told at this pace.
const toldPerMillisecond = 2;
const tickMs = 10;

/** Resolves when no daemon is attached any more; those that stay longer than the given time are cut. */
export async function drainDaemons(table: AttachmentTable, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds;
  await tellAll(table, milliseconds / 2);
  while (table.byHostId.size > 0 && performance.now() < deadline) await sleep(tickMs);
  for (const { stream } of table.byHostId.values()) stream.end();
}

async function tellAll(table: AttachmentTable, longestMs: number): Promise<void> {
  const attachments = [...table.byHostId.values()];
  const perTick = Math.ceil(Math.max(toldPerMillisecond, attachments.length / longestMs) * tickMs);
  for (let start = 0; start < attachments.length; start += perTick) {
    if (start > 0) await sleep(tickMs);
    for (const { stream } of attachments.slice(start, start + perTick)) stream.send(drainMessage);
  }
}
