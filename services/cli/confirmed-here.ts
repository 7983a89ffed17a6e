// A human typed the hash or the id of what is to be done at the command line: that is the confirmation.
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { ConfirmationMethod } from "../gen/systemsmanager/fleet/v1/change_pb.js";

/** The confirmation of whoever typed the command. */
export function confirmedHere() {
  return { method: ConfirmationMethod.COMMAND_LINE, confirmedAt: timestampNow() };
}
