// One wording for every selector that cannot be read.
import { ErrorReason, failure } from "../../shared/errors.js";

const shownLength = 200;

/** SELECTOR_SYNTAX with the position, counted in characters from 0, what is wrong there, and an example that is right. */
export function syntaxFailure(selector: string, problem: string, position?: number, cause?: unknown) {
  const shown = selector.length > shownLength ? `${selector.slice(0, shownLength)}…` : selector;
  const where = position === undefined ? "" : ` at position ${position}`;
  return failure(
    ErrorReason.SELECTOR_SYNTAX,
    `the selector ${JSON.stringify(shown)} is not valid${where}: ${problem}`,
    {
      metadata: { selector: shown, ...(position === undefined ? {} : { position: String(position) }) },
      remedy: "write all, host names (web-1, web-2), or a condition (distro == 'debian' && labels.role == 'web')",
      cause,
    },
  );
}
