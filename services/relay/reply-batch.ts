// Replies of one partition that travel together: OK answers in columns by command, each distinct body once.
import { create } from "@bufbuild/protobuf";
import { AnswerBodySchema, type CommandAnswers, CommandAnswersSchema } from "../gen/systemsmanager/bus/v1/host_pb.js";
import { encodeHostIds } from "../identity/target-tree.js";
import { encodeBatch } from "./encode-batch.js";
import type { PlainAnswer, ReceivedReply } from "./read-reply.js";

export interface ReplyBatch {
  add(reply: ReceivedReply): void;
  /** Replies in it. */
  size(): number;
  /** About as many bytes as encode gives; never far fewer. */
  bytes(): number;
  /** The command that all of it answers; undefined when there are several. */
  onlyCommandId(): string | undefined;
  encode(): Uint8Array;
}

// Host id, body index, duration, and what surrounds them.
const rowBytes = 32;
const bodyOverheadBytes = 48;

export function createReplyBatch(): ReplyBatch {
  const columnsByCommand = new Map<string, AnswerColumns>();
  const commandIds = new Set<string>();
  const others: Uint8Array[] = [];
  let size = 0;
  let bytes = 0;

  function columnsOf({ commandId, runId }: ReceivedReply): AnswerColumns | undefined {
    const known = columnsByCommand.get(commandId);
    // A host that names another run for the command than the hosts before it did is passed on whole.
    if (known) return known.runId === runId ? known : undefined;
    const columns = createAnswerColumns(commandId, runId);
    columnsByCommand.set(commandId, columns);
    return columns;
  }

  return {
    add(reply) {
      size++;
      commandIds.add(reply.commandId);
      const columns = reply.answer && columnsOf(reply);
      if (reply.answer && columns) {
        bytes += columns.add(reply.hostId, reply.answer);
      } else {
        others.push(reply.bytes);
        bytes += reply.bytes.length + rowBytes;
      }
    },
    size: () => size,
    bytes: () => bytes,
    onlyCommandId: () => (commandIds.size === 1 ? [...commandIds][0] : undefined),
    encode: () =>
      encodeBatch(
        [...columnsByCommand.values()].map((columns) => columns.toMessage()),
        others,
      ),
  };
}

interface AnswerColumns {
  readonly runId: string;
  /** Gives the bytes that the answer adds. */
  add(hostId: string, answer: PlainAnswer): number;
  toMessage(): CommandAnswers;
}

function createAnswerColumns(commandId: string, runId: string): AnswerColumns {
  const bodies: PlainAnswer[] = [];
  const indexByDigest = new Map<string, number>();
  const hostIds: string[] = [];
  const bodyIndexes: number[] = [];
  const durationMilliseconds: number[] = [];
  const fromJournal: number[] = [];

  // A digest is the daemon's word. Hashing every body here would cost more than all the rest, and a digest believed blindly would
  // let one host put its body in the place of another's; so only what is the same byte for byte is shared.
  function indexOf(answer: PlainAnswer): number | undefined {
    const index = indexByDigest.get(answer.digest.toString("latin1"));
    return index !== undefined && bodies[index]?.body.equals(answer.body) ? index : undefined;
  }

  function addBody(answer: PlainAnswer): number {
    // The newest wins, so that a first host with a false digest does not keep the others from sharing theirs.
    indexByDigest.set(answer.digest.toString("latin1"), bodies.length);
    return bodies.push(answer) - 1;
  }

  return {
    runId,
    add(hostId, answer) {
      const known = indexOf(answer);
      if (answer.fromJournal) fromJournal.push(hostIds.length);
      hostIds.push(hostId);
      durationMilliseconds.push(answer.durationMs);
      bodyIndexes.push(known ?? addBody(answer));
      return known === undefined ? rowBytes + bodyOverheadBytes + answer.body.length : rowBytes;
    },
    toMessage: () =>
      create(CommandAnswersSchema, {
        commandId,
        runId,
        bodies: bodies.map(({ body, digest }) => create(AnswerBodySchema, { body, digest })),
        hostIds: encodeHostIds(hostIds),
        bodyIndexes,
        durationMilliseconds,
        fromJournal,
      }),
  };
}
