// Results of changes that the journal could not take, as on a full disk: known until the process ends, so that a change which comes
// again is neither run nor called indeterminate.
import type { Reply } from "../gen/systemsmanager/bus/v1/host_pb.js";

export interface UnkeptReplies {
  /** Beyond the bound the oldest is forgotten. */
  add(reply: Reply): void;
  find(commandId: string): Reply | undefined;
}

const mostReplies = 1_000;

/** None yet. */
export function createUnkeptReplies(): UnkeptReplies {
  const replies = new Map<string, Reply>();
  return {
    add(reply) {
      replies.set(reply.commandId, reply);
      const [oldest] = replies.keys();
      if (replies.size > mostReplies && oldest !== undefined) replies.delete(oldest);
    },
    find: (commandId) => replies.get(commandId),
  };
}
