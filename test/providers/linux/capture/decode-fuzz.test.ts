// Broken and random records: they are told as a RangeError or as some event, and nothing behind a record is ever read.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { isDeepStrictEqual } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { decodeEvent } from "../../../../services/providers/linux/capture/decode-event.js";
import { EventCursor } from "../../../../services/providers/linux/capture/event-cursor.js";
import { type EventKind, eventKinds, header } from "../../../../services/providers/linux/capture/event-layout.js";
import { openCapture } from "../../../../services/providers/linux/capture/open-capture.js";
import { addon } from "./capture-under-test.js";

const inputs = 1_000_000;
const kinds = Object.values(eventKinds);
const edges = [0, 1, 7, 8, 0x7f, 0x80, 0xff];

// xorshift32: the same inputs each time.
let state = 20_261_123;
function below(bound: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % bound;
}

const seeds: Buffer[] = [];

// Of what really happened, one of each length and kind.
beforeAll(async () => {
  const capture = await openCapture(addon, { kinds: Object.keys(eventKinds) as EventKind[] });
  const script =
    "cd /tmp; echo x > fuzz-a; read -r y < fuzz-a; mv fuzz-a fuzz-b; rm fuzz-b; kill -CONT $$; umount /nowhere; exec 3<>/dev/tcp/127.0.0.1/1";
  await once(spawn("bash", ["-c", script], { stdio: "ignore" }), "close");
  await capture.close();
  const seen = new Set<string>();
  for await (const batch of capture.batches) {
    const cursor = new EventCursor(batch);
    for (let at = 0; cursor.next(); at += cursor.half(header.size)) {
      const record = Buffer.from(batch.slice(at, at + cursor.half(header.size)));
      const likeness = `${cursor.kind} ${record.length}`;
      if (!seen.has(likeness)) seeds.push(record);
      seen.add(likeness);
    }
  }
});

/** A record with a few bytes changed, or another kind, or cut; its size is that of what is there, mostly. */
function mutate(seed: Buffer): Buffer {
  const whole = 8 * below(1 + seed.length / 8);
  const bytes = Buffer.from(below(4) === 0 ? seed.subarray(0, Math.max(whole, header.end)) : seed);
  for (let turns = below(5); turns > 0; turns--)
    bytes[header.kind + below(bytes.length - header.kind)] =
      below(2) === 0 ? below(256) : (edges[below(edges.length)] as number);
  if (below(3) === 0) bytes[header.kind] = kinds[below(kinds.length)] as number;
  // The fields that say how long strings are lie right behind the header.
  if (below(3) === 0 && bytes.length > header.end)
    bytes[header.end + below(Math.min(bytes.length - header.end, 24))] = below(256);
  bytes.writeUInt16LE(bytes.length, header.size);
  if (below(20) === 0) bytes.writeUInt16LE(below(65_536), header.size);
  return bytes;
}

function randomBytes(): Buffer {
  return Buffer.from(Array.from({ length: below(200) }, () => below(256)));
}

/** What comes of it; whatever is thrown must be a RangeError. */
function decodeAll(bytes: Buffer, most = Number.POSITIVE_INFINITY): unknown[] {
  const told: unknown[] = [];
  try {
    const cursor = new EventCursor(new Uint8Array(bytes));
    while (told.length < most && cursor.next()) told.push(decodeEvent(cursor));
  } catch (error) {
    if (!(error instanceof RangeError)) throw new Error(`${bytes.toString("hex")} leads to ${error}`, { cause: error });
    told.push(error.message);
  }
  return told;
}

test(`${inputs} broken records are told as events or by a RangeError`, { timeout: 60_000 }, () => {
  expect(seeds.length).toBeGreaterThan(10);
  let events = 0;
  let refused = 0;
  for (let input = 0; input < inputs; input++) {
    const bytes = below(10) === 0 ? randomBytes() : mutate(seeds[below(seeds.length)] as Buffer);
    for (const told of decodeAll(bytes)) typeof told === "string" ? refused++ : events++;
  }
  // Both really happen.
  expect(events).toBeGreaterThan(inputs / 4);
  expect(refused).toBeGreaterThan(inputs / 20);
});

test("what is behind a record changes nothing of what it is told as", () => {
  for (let input = 0; input < 50_000; input++) {
    const record = mutate(seeds[below(seeds.length)] as Buffer);
    record.writeUInt16LE(record.length, header.size);
    const [one, other] = [0x00, 0x41].map((byte) =>
      decodeAll(Buffer.concat([record, Buffer.alloc(65_536 / 8, byte)]), 1),
    );
    if (!isDeepStrictEqual(one, other)) expect(one, record.toString("hex")).toEqual(other);
  }
});
