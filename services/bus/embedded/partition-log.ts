// One partition of a topic: its messages in order of offset, and the bounds of what it keeps.
import type { MessageBound, OutgoingMessage } from "../bus.js";

/** A message and its place. Offsets are numbers inside and bigint at the interface. */
export interface StoredMessage {
  readonly message: OutgoingMessage;
  readonly offset: number;
}

export interface PartitionLog {
  /** Offset that the next message gets. */
  end(): number;
  /** Adds a message, then drops what the bounds do not keep, but nothing at neededFrom or behind it. */
  append(message: OutgoingMessage, neededFrom: number): StoredMessage;
  /** The first message at this offset or behind it. */
  firstFrom(offset: number): StoredMessage | undefined;
  /** Messages and bytes at this offset and behind it. */
  sizeFrom(offset: number): MessageBound;
}

interface Entry extends StoredMessage {
  /** Bytes of all messages before it. */
  readonly bytesBefore: number;
}

// A compacted log is rewritten when it has grown to twice its distinct keys and this much.
const compactionSlack = 64;

/** Keeps the newest messages up to the bound, or with `compacted` the newest of each key. */
export function createPartitionLog(retention: MessageBound, compacted: boolean): PartitionLog {
  let entries: Entry[] = [];
  const newest = new Map<string, number>();
  let end = 0;
  let totalBytes = 0;

  function indexFrom(offset: number): number {
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((entries[middle] as Entry).offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function sizeAt(index: number): MessageBound {
    return { messages: entries.length - index, bytes: totalBytes - (entries[index]?.bytesBefore ?? totalBytes) };
  }

  function compact() {
    if (entries.length < 2 * newest.size + compactionSlack) return;
    entries = entries.filter(({ message, offset }) => newest.get(message.key) === offset);
  }

  function dropOldest(neededFrom: number) {
    const whole = sizeAt(0);
    if (whole.messages <= 2 * retention.messages && whole.bytes <= 2 * retention.bytes) return;
    let index = Math.max(0, entries.length - retention.messages);
    while (index < entries.length && sizeAt(index).bytes > retention.bytes) index++;
    entries = entries.slice(Math.min(index, indexFrom(neededFrom)));
  }

  return {
    end: () => end,
    append(message, neededFrom) {
      const entry = { message, offset: end, bytesBefore: totalBytes };
      entries.push(entry);
      end += 1;
      totalBytes += message.value.length;
      if (compacted) {
        newest.set(message.key, entry.offset);
        compact();
      } else {
        dropOldest(neededFrom);
      }
      return entry;
    },
    firstFrom: (offset) => entries[indexFrom(offset)],
    sizeFrom: (offset) => sizeAt(indexFrom(offset)),
  };
}
