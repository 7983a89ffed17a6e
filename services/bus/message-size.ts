// The bound of a message, the same on every bus.
import { ErrorReason, failure } from "../shared/errors.js";
import { maxMessageBytes, type OutgoingMessage, type Topic } from "./bus.js";

/** Counts and throws TOO_LARGE. */
export function checkMessageSize(
  topic: Topic,
  { value }: OutgoingMessage,
  counters: { refusedTooLarge: number },
): void {
  if (value.length <= maxMessageBytes) return;
  counters.refusedTooLarge++;
  throw failure(
    ErrorReason.TOO_LARGE,
    `a message for ${topic} has ${value.length} bytes, at most ${maxMessageBytes} are carried`,
    {
      metadata: { bytes: String(value.length), limit: String(maxMessageBytes) },
      remedy: "ask for less at once",
    },
  );
}
