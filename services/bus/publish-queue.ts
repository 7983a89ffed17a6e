// Publishing in order to another process: one call is under way at a time, and what comes meanwhile goes together with the next
// one. While the other side is away messages wait, up to a bound of number, bytes and time; one that was taken just before may
// be published twice.
import { backoffMs } from "../shared/backoff.js";
import { ErrorReason, hasReason } from "../shared/errors.js";
import type { Logger } from "../shared/log.js";
import { pause } from "../shared/pause.js";
import type { MessageBound } from "./bus.js";
import {
  createWaitingMessages,
  type MessagePlace,
  type SizedMessage,
  type WaitingMessage,
} from "./waiting-messages.js";

/** What became of one message of a call. */
export type PublishOutcome = { readonly place: MessagePlace } | { readonly error: unknown };

export interface PublishQueueOptions<Message extends SizedMessage> {
  /** For messages and logs: "commands/3". */
  readonly name: string;
  readonly bound: MessageBound;
  /** One outcome for each. Rejects with UNREACHABLE to be called again with the same; with anything else all of them are refused. */
  readonly send: (messages: Message[]) => Promise<readonly PublishOutcome[]>;
  /** Aborted when the bus closes: what waits is rejected with its reason. */
  readonly closing: AbortSignal;
  readonly log: Logger;
  /** How long a message waits for another side that is away. */
  readonly patienceMs?: number;
}

export interface PublishQueue<Message extends SizedMessage> {
  /** Resolves when it was taken. Rejects with BUSY beyond the bound, and with UNREACHABLE when it waited too long. */
  add(message: Message): Promise<MessagePlace>;
  waiting(): MessageBound;
  /** Resolves when nothing waits. */
  idle(): Promise<void>;
}

const defaultPatienceMs = 10_000;
const backoff = { firstMs: 100, longestMs: 2_000 };

export function createPublishQueue<Message extends SizedMessage>(
  options: PublishQueueOptions<Message>,
): PublishQueue<Message> {
  const { name, bound, send, closing, log, patienceMs = defaultPatienceMs } = options;
  const waiting = createWaitingMessages<Message>(name, bound);
  let flushing: Promise<void> | undefined;

  async function flush() {
    // What is published in the same turn goes together.
    await undefined;
    for (let failures = 0; waiting.size().messages > 0; ) {
      const batch = waiting.nextBatch();
      try {
        const outcomes = await send(batch.map(({ message }) => message));
        waiting.remove(batch.length);
        settle(batch, outcomes);
        failures = 0;
      } catch (error) {
        failures++;
        await giveUpOrPause(error, batch, failures);
      }
    }
    flushing = undefined;
  }

  async function giveUpOrPause(error: unknown, batch: readonly WaitingMessage<Message>[], failures: number) {
    if (closing.aborted) return rejectAll(waiting.remove(waiting.size().messages), closing.reason);
    if (!hasReason(error, ErrorReason.UNREACHABLE)) return rejectAll(waiting.remove(batch.length), error);
    log.warn({ err: error, queue: name, waiting: waiting.size().messages }, "the bus does not take messages");
    rejectAll(waiting.removeOverdue(), error);
    // Closing ends the pause early; the next call then fails with its reason.
    await pause(backoffMs(failures, backoff), closing);
  }

  return {
    add: (message) =>
      new Promise((resolve, reject) => {
        waiting.add({ message, deadline: performance.now() + patienceMs, resolve, reject });
        flushing ??= flush();
      }),
    waiting: waiting.size,
    idle: async () => flushing,
  };
}

function settle(batch: readonly WaitingMessage<SizedMessage>[], outcomes: readonly PublishOutcome[]): void {
  for (const [index, { resolve, reject }] of batch.entries()) {
    const outcome = outcomes[index] as PublishOutcome;
    if ("place" in outcome) resolve(outcome.place);
    else reject(outcome.error);
  }
}

function rejectAll(batch: readonly WaitingMessage<SizedMessage>[], error: unknown): void {
  for (const { reject } of batch) reject(error);
}
