// A batch of replies as a relay had them together → what each run gets of it.
import type { CommandAnswers, Reply, ReplyBatch } from "../../gen/systemsmanager/bus/v1/host_pb.js";

/** Replies to one run that came together. */
export interface RunReplies {
  /** OK replies, in columns. */
  readonly answers: readonly CommandAnswers[];
  readonly others: readonly Reply[];
}

/** Every reply of the batch, by run id. */
export function groupByRun({ answers, others }: ReplyBatch): Map<string, RunReplies> {
  const groups = new Map<string, { answers: CommandAnswers[]; others: Reply[] }>();
  const groupOf = (runId: string) => {
    const group = groups.get(runId) ?? { answers: [], others: [] };
    groups.set(runId, group);
    return group;
  };
  for (const answer of answers) groupOf(answer.runId).answers.push(answer);
  for (const reply of others) groupOf(reply.runId).others.push(reply);
  return groups;
}

/** How many hosts speak in them. */
export function countReplies({ answers, others }: RunReplies): number {
  return answers.reduce((sum, { bodyIndexes }) => sum + bodyIndexes.length, others.length);
}
