// A failure as it is told at the terminal.
import { ConnectError } from "@connectrpc/connect";
import { errorDetailOf, reasonName } from "../shared/errors.js";

/** "REASON: what failed, and what to do"; undefined for an error that is none of this product's. */
export function describeFailure(error: unknown): string | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  return `${reasonName(errorDetailOf(error).reason)}: ${error.rawMessage}`;
}
