// A reply from the bus → what is accounted for its host. Everything in a reply is the host's word, so it is checked here.
import { createHash } from "node:crypto";
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Reply, ReplyOutcome } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason } from "../../shared/errors.js";
import { cleanUntrusted } from "../../shared/untrusted-text.js";
import type { HostAnswer, HostProblem } from "./run-record.js";

const maxMessageLength = 1024;
const maxMetadata = 16;

const stateByOutcome: Partial<Record<ReplyOutcome, HostState>> = {
  [ReplyOutcome.OK]: HostState.OK,
  [ReplyOutcome.FAILED]: HostState.FAILED,
  [ReplyOutcome.DENIED]: HostState.DENIED,
  [ReplyOutcome.EXPIRED]: HostState.EXPIRED,
  [ReplyOutcome.CANCELLED]: HostState.CANCELLED,
  [ReplyOutcome.INDETERMINATE]: HostState.INDETERMINATE,
};

/** The answer in a reply; undefined when the reply is not valid: no known outcome, or a body that is not its digest's. */
export function readReply(reply: Reply): HostAnswer | undefined {
  const state = stateByOutcome[reply.outcome];
  if (state === undefined) return undefined;
  const duration = durationOf(reply);
  if (state !== HostState.OK) return { state, answered: true, problem: problemOf(reply), ...duration };
  const digest = createHash("sha256").update(reply.body).digest();
  if (!digest.equals(reply.bodyDigest)) return undefined;
  return { state, answered: true, digest: digest.toString("hex"), ...duration };
}

/** The answer of a host whose response is no message of the operation's type. */
export function unreadableAnswer(answer: HostAnswer, schema: DescMessage): HostAnswer {
  return {
    state: HostState.FAILED,
    answered: true,
    problem: {
      reason: ErrorReason.INTERNAL,
      message: `the host's response cannot be read as ${schema.typeName}`,
      remedy: "compare the daemon's version with the control plane's",
      metadata: { operation: schema.typeName },
    },
    ...(answer.durationMs === undefined ? {} : { durationMs: answer.durationMs }),
  };
}

/** True when the bytes are a message of this type. */
export function canDecode(schema: DescMessage, body: Uint8Array): boolean {
  try {
    fromBinary(schema, body);
    return true;
  } catch {
    // The caller accounts for it: the host FAILED, with the reason in its error.
    return false;
  }
}

function problemOf(reply: Reply): HostProblem {
  const metadata = Object.entries(reply.error?.metadata ?? {}).slice(0, maxMetadata);
  return {
    reason: reply.error?.reason ?? ErrorReason.INTERNAL,
    message: cleanUntrusted(reply.message || "the host gave no message", maxMessageLength),
    remedy: cleanUntrusted(reply.error?.remedy ?? "", maxMessageLength),
    metadata: Object.fromEntries(
      metadata.map(([key, value]) => [cleanUntrusted(key, maxMessageLength), cleanUntrusted(value, maxMessageLength)]),
    ),
  };
}

function durationOf(reply: Reply): { durationMs?: number } {
  if (!reply.startedAt || !reply.finishedAt) return {};
  return { durationMs: Math.max(0, timestampMs(reply.finishedAt) - timestampMs(reply.startedAt)) };
}
