// Simulated hosts on a real bus: they say they are present, verify every command as a daemon does, and answer as the test
// tells them. No relay, no daemon, no gRPC.
import { createHash } from "node:crypto";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import type { Bus } from "../../../services/bus/bus.js";
import {
  type Command,
  type CommandEnvelope,
  CommandEnvelopeSchema,
  CommandSchema,
  type Invocation,
} from "../../../services/gen/systemsmanager/bus/v1/command_pb.js";
import {
  type HostFactsSchema,
  PresenceRecordSchema,
  PresenceSchema,
  ReplyBatchSchema,
  ReplyOutcome,
  ReplySchema,
} from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { verifyCommandSignature } from "../../../services/identity/command-signature.js";
import type { VerifyingKey } from "../../../services/identity/signing-key.js";
import {
  buildTargetTree,
  decodeHostIds,
  type TargetProof,
  verifyInclusion,
} from "../../../services/identity/target-tree.js";

export type ReplyInit = MessageInitShape<typeof ReplySchema>;

/** What a simulated host does with an invocation: any number of replies, now or later; none is silence. */
export type Behaviour = (call: SimulatedCall) => void | Promise<void>;

export interface SimulatedCall {
  readonly command: Command;
  readonly invocation: Invocation;
  readonly hostId: string;
  readonly name: string;
  /** Sends a reply; fields that are not given are filled in as an honest daemon would. */
  reply(reply: ReplyInit): Promise<void>;
}

export interface SimulatedHosts {
  /** Every command that arrived, in order. */
  readonly commands: Command[];
  /** Every invocation of a host. */
  readonly invoked: { hostId: string; command: Command }[];
  attach(name: string, facts?: MessageInitShape<typeof HostFactsSchema>): Promise<string>;
  detach(name: string): Promise<void>;
  /** Their relay starts, or starts anew: hosts that were attached are lost with it until they attach again. */
  startRelay(): Promise<void>;
  behave(name: string, behaviour: Behaviour): void;
  close(): Promise<void>;
}

/** The id that a simulated host of this name has. */
export function hostIdOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 32);
}

/** An OK reply with this encoded response. */
export function ok(body: Uint8Array): ReplyInit {
  return { outcome: ReplyOutcome.OK, body, bodyDigest: createHash("sha256").update(body).digest() };
}

let attachment = 0n;

/** Every host that an envelope is for, with its proof. */
function addressed({ targetIds, again }: CommandEnvelope): { hostId: string; proof: TargetProof }[] {
  if (targetIds.length === 0) {
    return again.flatMap(({ proof, targetIds: ids }) =>
      decodeHostIds(ids).map((hostId) => ({ hostId, proof: proof as TargetProof })),
    );
  }
  const tree = buildTargetTree(targetIds);
  return decodeHostIds(targetIds).map((hostId, index) => ({ hostId, proof: tree.prove(index) }));
}

/** Hosts without a behaviour of their own use `usual`. */
export async function simulateHosts(bus: Bus, key: VerifyingKey, usual: Behaviour): Promise<SimulatedHosts> {
  const attached = new Map<string, string>();
  const behaviours = new Map<string, Behaviour>();
  const commands: Command[] = [];
  const invoked: { hostId: string; command: Command }[] = [];
  // 0: a relay that never speaks of itself.
  let relayLife = 0n;

  const publishPresence = async (
    name: string,
    online: boolean,
    facts: MessageInitShape<typeof HostFactsSchema> = {},
  ) => {
    if (online) attachment++;
    const presence = create(PresenceSchema, {
      facts: { hostId: hostIdOf(name), name, os: "linux", distro: "debian", cpuCount: 2, ...facts },
      online,
      at: timestampFromMs(Date.now()),
      relayId: "simulated",
      relayLife,
      attachment,
    });
    await bus.publish("presence", {
      key: hostIdOf(name),
      value: toBinary(
        PresenceRecordSchema,
        create(PresenceRecordSchema, { record: { case: "host", value: presence } }),
      ),
    });
  };

  const subscription = await bus.subscribe(
    { topic: "commands", group: "simulated-hosts", from: "latest" },
    async (message) => {
      const envelope = fromBinary(CommandEnvelopeSchema, message.value);
      if (!envelope.signed || !verifyCommandSignature(key, envelope.signed)) throw new Error("bad signature");
      const command = fromBinary(CommandSchema, envelope.signed.command);
      commands.push(command);
      for (const { hostId, proof } of addressed(envelope)) {
        if (!verifyInclusion(hostId, command.targetRoot, command.targetCount, proof)) throw new Error("no target");
        const name = attached.get(hostId);
        if (name === undefined || command.action.case !== "invocation") continue;
        invoked.push({ hostId, command });
        const reply = async (init: ReplyInit) => {
          const value = toBinary(
            ReplyBatchSchema,
            create(ReplyBatchSchema, {
              others: [
                create(ReplySchema, {
                  commandId: command.commandId,
                  runId: command.runId,
                  hostId,
                  startedAt: timestampNow(),
                  finishedAt: timestampNow(),
                  ...init,
                }),
              ],
            }),
          );
          await bus.publish("replies", { key: hostId, value, partition: command.replyPartition });
        };
        const behaviour = behaviours.get(name) ?? usual;
        await behaviour({ command, invocation: command.action.value, hostId, name, reply });
      }
    },
  );
  return {
    commands,
    invoked,
    attach: async (name, facts) => {
      attached.set(hostIdOf(name), name);
      await publishPresence(name, true, facts);
      return hostIdOf(name);
    },
    detach: async (name) => {
      attached.delete(hostIdOf(name));
      await publishPresence(name, false);
    },
    startRelay: async () => {
      relayLife++;
      const relay = { relayId: "simulated", life: relayLife, alive: true, interval: durationFromMs(60_000) };
      const record = create(PresenceRecordSchema, { record: { case: "relay", value: relay } });
      await bus.publish("presence", { key: "simulated", value: toBinary(PresenceRecordSchema, record) });
    },
    behave: (name, behaviour) => {
      behaviours.set(name, behaviour);
    },
    close: () => subscription.close(),
  };
}
