// On how many hosts a dry run would change something.
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { ChangeSchema } from "../../gen/systemsmanager/mutation/v1/change_pb.js";
import type { TrackedRun } from "../run/tracked-run.js";

/** Hosts whose answer lists a change. */
export function countChangingHosts(run: TrackedRun): number {
  const schema = run.operation.method.output;
  const known = new Map<string, boolean>();
  let count = 0;
  run.targets.forEach((_, index) => {
    const digest = run.answerOf(index)?.digest;
    if (digest === undefined) return;
    const changes = known.get(digest) ?? hasChange(schema, run.bodyOf(digest));
    known.set(digest, changes);
    if (changes) count++;
  });
  return count;
}

function hasChange(schema: DescMessage, body: Uint8Array): boolean {
  const response = reflect(schema, fromBinary(schema, body));
  return response.fields.some((field) => field.message?.typeName === ChangeSchema.typeName && response.isSet(field));
}
