// A reply from the bus → what is accounted for its host. Everything in a reply is the host's word, so it is checked here.
import { hash } from "node:crypto";
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type AnswerBody, type Reply, ReplyOutcome } from "../../gen/systemsmanager/bus/v1/host_pb.js";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { ErrorReason } from "../../shared/errors.js";
import { cleanUntrusted } from "../../shared/untrusted-text.js";
import { type AnswerTable, noDuration } from "./answer-table.js";
import type { HostProblem } from "./run-record.js";

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

/** How a reply is accounted: the host's state, and the number of its answer or problem in the run's table. */
export interface Verdict {
  readonly state: HostState;
  readonly detail: number;
  /** With OK: the answer's digest. */
  readonly digest?: string;
  readonly body?: Uint8Array;
}

/** Reads the replies to one run. Each distinct body is decoded once; its digest is checked whenever it comes. */
export class ReplyReader {
  readonly #schema: DescMessage;
  readonly #table: AnswerTable;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(schema: DescMessage, table: AnswerTable) {
    this.#schema = schema;
    this.#table = table;
  }

  /** Undefined when the reply is not valid: no known outcome, or a body that is not its digest's. */
  read(reply: Reply): Verdict | undefined {
    const state = stateByOutcome[reply.outcome];
    if (state === undefined) return undefined;
    if (state === HostState.OK) return this.readBody({ body: reply.body, digest: reply.bodyDigest });
    return { state, detail: this.#table.problemNumber(problemOf(reply)) };
  }

  /** How an OK reply with this body is accounted; undefined when it is not its digest's. */
  readBody({ body, digest: claimed }: Pick<AnswerBody, "body" | "digest">): Verdict | undefined {
    const digest = hash("sha256", body, "hex");
    if (digest !== Buffer.from(claimed.buffer, claimed.byteOffset, claimed.length).toString("hex")) return undefined;
    const known = this.#verdicts.get(digest);
    if (known) return { ...known, body };
    const verdict = canDecode(this.#schema, body)
      ? { state: HostState.OK, detail: this.#table.digestNumber(digest), digest }
      : { state: HostState.FAILED, detail: this.#table.problemNumber(unreadable(this.#schema)) };
    this.#verdicts.set(digest, verdict);
    return { ...verdict, body };
  }
}

/** Milliseconds between the host's receipt of the command and its reply. */
export function durationOf(reply: Reply): number {
  if (!reply.startedAt || !reply.finishedAt) return noDuration;
  return Math.max(0, timestampMs(reply.finishedAt) - timestampMs(reply.startedAt));
}

// The problem of a host whose response is no message of the operation's type.
function unreadable(schema: DescMessage): HostProblem {
  return {
    reason: ErrorReason.INTERNAL,
    message: `the host's response cannot be read as ${schema.typeName}`,
    remedy: "compare the daemon's version with the control plane's",
    metadata: { operation: schema.typeName },
  };
}

function canDecode(schema: DescMessage, body: Uint8Array): boolean {
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
