// Commands sent again, the same bytes, to hosts that attached anew before they answered: they were away, or their relay died with
// the command or with the answer. Hosts that come back together are told together. A host that had the command already gives a
// change's stored result, or runs a read again.
import { create, fromBinary } from "@bufbuild/protobuf";
import { type Bus, maxMessageBytes } from "../../bus/bus.js";
import {
  type ProvenTargets,
  ProvenTargetsSchema,
  SignedCommandSchema,
} from "../../gen/systemsmanager/bus/v1/command_pb.js";
import { bucketSize, encodeHostIds } from "../../identity/target-tree.js";
import type { Logger } from "../../shared/log.js";
import { messageOf } from "./build-commands.js";
import { draftOf } from "./dispatch-commands.js";
import type { CommandRecord, TargetHost } from "./run-record.js";
import { targetIndexes, targetsOf, targetTree } from "./target-set.js";
import type { TrackedRun } from "./tracked-run.js";

export interface AgainOptions {
  readonly bus: Bus;
  readonly log: Logger;
  readonly counters: { commandsSentAgain: number };
}

/** Open until stopped. */
export interface AgainSender {
  /** Sends the host at this index its command again, soon. */
  send(run: TrackedRun, index: number): void;
  stop(): void;
}

const gatherMs = 50;
const retryMs = 1_000;
/** A bucket, its path up to a million hosts, and framing. */
const provenBytes = 1_700;

export function createAgainSender({ bus, log, counters }: AgainOptions): AgainSender {
  const waiting = new Map<TrackedRun, Set<number>>();
  let timer: NodeJS.Timeout | undefined;

  const arm = (delayMs: number) => {
    timer ??= setTimeout(flush, delayMs);
  };
  const add = (run: TrackedRun, indexes: Iterable<number>) => {
    const known = waiting.get(run) ?? new Set();
    waiting.set(run, known);
    for (const index of indexes) known.add(index);
  };
  const sendTo = async (run: TrackedRun, indexes: readonly number[]) => {
    try {
      for (const message of messagesFor(run, indexes)) await bus.publish("commands", message);
      counters.commandsSentAgain += indexes.length;
    } catch (error) {
      log.warn({ err: error, runId: run.record.runId, hosts: indexes.length }, "a command could not be sent again yet");
      add(run, indexes);
      arm(retryMs);
    }
  };
  const flush = () => {
    timer = undefined;
    const batches = [...waiting];
    waiting.clear();
    for (const [run, indexes] of batches) {
      const unanswered = [...indexes].filter((index) => !run.account.hasAnswered(index));
      if (unanswered.length > 0) void sendTo(run, unanswered);
    }
  };
  return {
    send: (run, index) => {
      add(run, [index]);
      arm(gatherMs);
    },
    stop: () => {
      clearTimeout(timer);
      waiting.clear();
    },
  };
}

/** The messages that tell these targets what they were sent before. Commands that have expired are not sent again. */
export function* messagesFor(run: TrackedRun, indexes: readonly number[]) {
  const byCommand = new Map<CommandRecord, TargetHost[]>();
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const command = run.commands.of(index);
    const target = run.targets[index];
    if (!command || !target || command.expiresAtMs <= Date.now()) continue;
    const hosts = byCommand.get(command) ?? [];
    byCommand.set(command, hosts);
    hosts.push(target);
  }
  for (const [command, hosts] of byCommand) {
    const proven = proveTargets(targetsOf(run.targets, command), hosts);
    const size = Math.max(1, Math.floor((maxMessageBytes - command.signed.length) / provenBytes));
    for (let start = 0; start < proven.length; start += size) {
      const again = proven.slice(start, start + size);
      yield messageOf(draftOf(run, command), { signed: fromBinary(SignedCommandSchema, command.signed), again });
    }
  }
}

// Hosts of one bucket share its proof.
function proveTargets(targets: readonly TargetHost[], hosts: readonly TargetHost[]): ProvenTargets[] {
  const indexes = targetIndexes(targets);
  const tree = targetTree(targets);
  const buckets = new Map<number, string[]>();
  for (const { hostId } of hosts) {
    const bucket = Math.floor((indexes.get(hostId) as number) / bucketSize);
    const ids = buckets.get(bucket) ?? [];
    buckets.set(bucket, ids);
    ids.push(hostId);
  }
  return [...buckets].map(([bucket, ids]) => {
    const { path, ...proof } = tree.prove(bucket * bucketSize);
    return create(ProvenTargetsSchema, { proof: { ...proof, path: [...path] }, targetIds: encodeHostIds(ids) });
  });
}
