// The request of a simulated ManageService.
import { fromBinary } from "@bufbuild/protobuf";
import { ManageServiceRequestSchema } from "../../../services/gen/systemsmanager/mutation/v1/service_pb.js";

export function decodeManageService(request: Uint8Array) {
  return fromBinary(ManageServiceRequestSchema, request);
}
