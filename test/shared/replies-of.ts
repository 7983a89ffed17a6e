// A batch of replies as a relay had them together → the single replies, for tests that count them.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CommandAnswers,
  type Reply,
  type ReplyBatch,
  ReplyOutcome,
  ReplySchema,
} from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { decodeHostIds } from "../../services/identity/target-tree.js";

/** Every reply of the batch. */
export function repliesOf(batch: ReplyBatch): Reply[] {
  return [...batch.answers.flatMap(repliesOfCommand), ...batch.others];
}

function repliesOfCommand(answers: CommandAnswers): Reply[] {
  const { commandId, runId, bodies, bodyIndexes, durationMilliseconds } = answers;
  const fromJournal = new Set(answers.fromJournal);
  return decodeHostIds(answers.hostIds).map((hostId, index) => {
    const answer = bodies[bodyIndexes[index] ?? -1];
    return create(ReplySchema, {
      commandId,
      runId,
      hostId,
      outcome: ReplyOutcome.OK,
      body: answer?.body ?? new Uint8Array(),
      bodyDigest: answer?.digest ?? new Uint8Array(),
      startedAt: timestampFromMs(0),
      finishedAt: timestampFromMs(durationMilliseconds[index] ?? 0),
      fromJournal: fromJournal.has(index),
    });
  });
}
