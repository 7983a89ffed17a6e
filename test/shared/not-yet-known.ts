// While a fleet learns of its first hosts, selecting all of none is an error.
import { ErrorReason, hasReason } from "../../services/shared/errors.js";

/** False, to go on waiting, for that error; throws every other. */
export function notYetKnown(error: unknown): false {
  if (hasReason(error, ErrorReason.NO_HOST_MATCHES)) return false;
  throw error;
}
