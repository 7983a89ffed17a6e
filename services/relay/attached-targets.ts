// Which attached hosts an envelope is for, each with the proof that the fleet meant it.
import type { Command, CommandEnvelope } from "../gen/systemsmanager/bus/v1/command_pb.js";
import { buildTargetTree, decodeHostIds, type TargetProof, type TargetTree } from "../identity/target-tree.js";
import { ErrorReason, failure } from "../shared/errors.js";
import type { Attachment } from "./attachment-table.js";

export interface AttachedTarget {
  readonly attachment: Attachment;
  readonly proof: TargetProof;
}

/** Throws MALFORMED_ENVELOPE when the targets are not those that were signed. */
export function findAttachedTargets(
  envelope: CommandEnvelope,
  command: Command,
  attached: ReadonlyMap<string, Attachment>,
): AttachedTarget[] {
  // Hosts check these proofs themselves: a relay has not the whole tree.
  const again = envelope.again.flatMap(({ proof, targetIds }) =>
    proof ? attachedAmong(targetIds, attached).map(({ attachment }) => ({ attachment, proof })) : [],
  );
  const first = attachedAmong(envelope.targetIds, attached);
  if (first.length === 0) return again;
  const tree = checkedTree(command, envelope.targetIds);
  return [...again, ...first.map(({ index, attachment }) => ({ attachment, proof: tree.prove(index) }))];
}

function attachedAmong(targetIds: Uint8Array, attached: ReadonlyMap<string, Attachment>) {
  return decodeHostIds(targetIds).flatMap((hostId, index) => {
    const attachment = attached.get(hostId);
    return attachment ? [{ index, attachment }] : [];
  });
}

// Daemons would refuse targets that the fleet did not sign; better to say so once, here.
function checkedTree(command: Command, targetIds: Uint8Array): TargetTree {
  const tree = buildTargetTree(targetIds);
  if (tree.size === command.targetCount && Buffer.from(tree.root).equals(command.targetRoot)) return tree;
  const detail = `the ${tree.size} targets of command ${command.commandId} are not those that were signed`;
  throw failure(ErrorReason.MALFORMED_ENVELOPE, detail, {
    metadata: { detail },
    remedy: "sort the targets before the tree is built",
  });
}
