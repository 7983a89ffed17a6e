// On how many hosts a dry run would change something.
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { ChangeSchema } from "../../gen/systemsmanager/mutation/v1/change_pb.js";
import { getBody } from "../run/run-store.js";
import type { TrackedRun } from "../run/tracked-run.js";
import type { StateDatabase } from "../state-database.js";

/** Hosts whose answer lists a change. */
export function countChangingHosts(database: StateDatabase, run: TrackedRun): number {
  const schema = run.operation.method.output;
  const known = new Map<string, boolean>();
  let count = 0;
  run.targets.forEach((_, index) => {
    const digest = run.answerOf(index)?.digest;
    if (digest === undefined) return;
    const changes = known.get(digest) ?? hasChange(schema, getBody(database, digest));
    known.set(digest, changes);
    if (changes) count++;
  });
  return count;
}

function hasChange(schema: DescMessage, body: Uint8Array | undefined): boolean {
  if (!body) return false;
  const response = reflect(schema, fromBinary(schema, body));
  return response.fields.some((field) => field.message?.typeName === ChangeSchema.typeName && response.isSet(field));
}
