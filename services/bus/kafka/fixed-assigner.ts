// A group of one that reads one partition: kafkajs lets a group's leader, here its only member, say who gets what.
import { AssignerProtocol, type PartitionAssigner } from "kafkajs";

const version = 1;

/** Members that want another partition, or their share of all, cannot join: brokers see the name. */
export function fixedPartitionAssigner(topic: string, partition: number): PartitionAssigner {
  const name = `systems-manager-partition-${partition}`;
  const userData = Buffer.alloc(0);
  return () => ({
    name,
    version,
    protocol: ({ topics }) => ({
      name,
      metadata: AssignerProtocol.MemberMetadata.encode({ version, topics, userData }),
    }),
    // A second member would get nothing until the first is gone.
    assign: async ({ members }) =>
      members.map(({ memberId }, index) => {
        const assignment: Record<string, number[]> = index === 0 ? { [topic]: [partition] } : {};
        return {
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({ version, assignment, userData }),
        };
      }),
  });
}
