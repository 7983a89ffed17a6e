// The control plane's end of the bus, simulated: signs commands, publishes them, collects replies and presence.
import { randomUUID } from "node:crypto";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Bus } from "../../services/bus/bus.js";
import {
  type Command,
  CommandEnvelopeSchema,
  CommandSchema,
  type InvocationSchema,
  type SignedCommand,
} from "../../services/gen/systemsmanager/bus/v1/command_pb.js";
import {
  type Presence,
  PresenceRecordSchema,
  type Reply,
  ReplyBatchSchema,
} from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { signCommand } from "../../services/identity/command-signature.js";
import { generateSigningKey, type SigningKey } from "../../services/identity/signing-key.js";
import { buildTargetTree, encodeHostIds } from "../../services/identity/target-tree.js";
import { repliesOf } from "../shared/replies-of.js";
import { waitFor } from "../shared/wait-for.js";

export const fleetId = "test";
export const snapshotMethod = "systemsmanager.telemetry.v1.TelemetryService/GetSystemSnapshot";
export const manageServiceMethod = "systemsmanager.mutation.v1.MutationService/ManageService";
export const replyPartition = 2;

/** What of a command a test changes. */
export type CommandChange = Partial<MessageInitShape<typeof CommandSchema>>;

export interface SimulatedFleet {
  readonly key: SigningKey;
  readonly replies: Reply[];
  readonly presences: Presence[];
  /** Signs and publishes; gives the command. */
  send(
    hostIds: string[],
    invocation: MessageInitShape<typeof InvocationSchema>,
    change?: CommandChange,
  ): Promise<Command>;
  /** Publishes what was signed elsewhere. */
  publish(signed: SignedCommand, hostIds: string[]): Promise<void>;
  /** Waits for the replies to one command. */
  repliesTo(command: Command, count?: number): Promise<Reply[]>;
  /** Waits until a host's newest presence says so. */
  presenceOf(hostId: string, online: boolean): Promise<Presence>;
}

/** Without `collect` replies and presence are left to whoever measures. */
export async function simulatedFleet(
  bus: Bus,
  key = generateSigningKey(),
  { collect = true } = {},
): Promise<SimulatedFleet> {
  const replies: Reply[] = [];
  const presences: Presence[] = [];
  if (collect) await collectInto(replies, presences, bus);

  async function publish(signed: SignedCommand, hostIds: string[]) {
    const envelope = create(CommandEnvelopeSchema, { signed, targetIds: encodeHostIds([...hostIds].sort()) });
    await bus.publish("commands", { key: "test", value: toBinary(CommandEnvelopeSchema, envelope) });
  }

  return {
    key,
    replies,
    presences,
    publish,
    async send(hostIds, invocation, change = {}) {
      const command = createCommand(hostIds, invocation, change);
      await publish(signCommand(key, command), hostIds);
      return command;
    },
    async repliesTo({ commandId }, count = 1) {
      const matching = () => replies.filter((reply) => reply.commandId === commandId);
      await waitFor(() => matching().length >= count, `${count} replies to ${commandId}`);
      return matching();
    },
    async presenceOf(hostId, online) {
      const newest = () => presences.filter((presence) => presence.facts?.hostId === hostId).at(-1);
      await waitFor(() => newest()?.online === online, `host ${hostId} ${online ? "online" : "offline"}`);
      return newest() as Presence;
    },
  };
}

async function collectInto(replies: Reply[], presences: Presence[], bus: Bus): Promise<void> {
  const group = `fleet-${randomUUID()}`;
  const fromHere = { topic: "replies", group, partition: replyPartition, from: "latest" } as const;
  await bus.subscribe(fromHere, async ({ value, partition }) => {
    const arrived = repliesOf(fromBinary(ReplyBatchSchema, value));
    // Columns do not repeat where they lie.
    for (const reply of arrived) reply.replyPartition = partition;
    replies.push(...arrived);
  });
  await bus.subscribe({ topic: "presence", group, from: "earliest" }, async ({ value }) => {
    const { record } = fromBinary(PresenceRecordSchema, value);
    if (record.case === "host") presences.push(record.value);
  });
}

/** A valid command but for what the test changes. */
export function createCommand(
  hostIds: string[],
  invocation: MessageInitShape<typeof InvocationSchema>,
  change: CommandChange = {},
): Command {
  const tree = buildTargetTree(encodeHostIds([...hostIds].sort()));
  return create(CommandSchema, {
    fleetId,
    commandId: randomUUID(),
    runId: randomUUID(),
    targetRoot: tree.root,
    targetCount: tree.size,
    issuedAt: timestampFromMs(Date.now()),
    expiresAt: timestampFromMs(Date.now() + 30_000),
    replyPartition,
    action: { case: "invocation", value: { timeoutMilliseconds: 10_000, ...invocation } as never },
    ...change,
  });
}
