// Errors of the fleet, and of the arguments, as tool results that a model can act on.
import { ConnectError } from "@connectrpc/connect";
import type { CallToolResult } from "@modelcontextprotocol/server";
import { errorDetailOf, reasonName } from "../../shared/errors.js";
import { withoutRepeatedRemedy } from "../../shared/structure.js";
import { cleanText } from "../../shared/untrusted-text.js";

/** "[REASON] message", with reason, remedy and metadata as structure. */
export function renderFailure(error: unknown): CallToolResult {
  const { reason, remedy, metadata } = errorDetailOf(error);
  const name = reasonName(reason);
  const message = cleanText(ConnectError.from(error).rawMessage, 2_000);
  return {
    isError: true,
    content: [{ type: "text", text: `[${name}] ${message}` }],
    structuredContent: withoutRepeatedRemedy({ reason: name, message, ...(remedy ? { remedy } : {}), metadata }),
  };
}
