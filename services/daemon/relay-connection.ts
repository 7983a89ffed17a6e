// One attachment to one relay: hello and welcome, then commands down and replies up, heartbeats both ways.
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Reply } from "../gen/systemsmanager/bus/v1/host_pb.js";
import {
  type AttachRequest,
  AttachRequestSchema,
  type AttachResponse,
  AttachResponseSchema,
  type CommandDelivery,
  HeartbeatSchema,
  HelloSchema,
  type Welcome,
} from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { encodeFrame } from "../shared/grpc-frames.js";
import { checkRegularly } from "./check-regularly.js";
import type { DialOptions } from "./dial-socket.js";
import { type DialledStream, dialStream } from "./dial-stream.js";
import { encodeReplyFrame } from "./encode-reply.js";

export interface RelayConnectionOptions extends DialOptions {
  readonly hello: MessageInitShape<typeof HelloSchema>;
  /** Dialling, TLS and welcome must be done within. */
  readonly timeoutMs: number;
  /** Aborted to dial no longer; a connection that is made is not touched by it. */
  readonly signal: AbortSignal;
  readonly onDelivery: (delivery: CommandDelivery) => void;
  /** The relay is about to stop. */
  readonly onDrain: () => void;
  /** So many replies of this connection, from the first, are on the bus. */
  readonly onTaken: (replies: number) => void;
}

export interface RelayConnection {
  readonly relayId: string;
  /** False when so much waits already that the reply was not taken. */
  send(reply: Reply): boolean;
  /** Half-closes; with an error it cuts the connection. */
  end(error?: Error): void;
  /** While off, nothing that the relay sends is read. */
  setReading(on: boolean): void;
  /** Resolves when the connection is gone, with why. */
  readonly closed: Promise<unknown>;
}

// A relay sends commands of at most 1 MiB and a proof.
const maxRelayMessageBytes = 2 * 1024 * 1024;
const maxQueuedBytes = 4 * 1024 * 1024;

/** Resolves at the relay's welcome. Throws UNREACHABLE, or what the relay refused the daemon for. */
export async function connectRelay(options: RelayConnectionOptions): Promise<RelayConnection> {
  const { promise: welcomed, resolve: onWelcome } = withResolvers<Welcome>();
  const liveness = createLiveness();
  const stream = dialStream(options, maxRelayMessageBytes, (bytes) => {
    liveness.received();
    dispatch(fromBinary(AttachResponseSchema, bytes), onWelcome, options);
  });
  const sendFrame = (frame: Buffer) => {
    liveness.sent();
    stream.send(frame);
  };
  const sendMessage = (message: AttachRequest["message"]) => {
    sendFrame(encodeFrame(toBinary(AttachRequestSchema, create(AttachRequestSchema, { message }))));
  };
  const timer = setTimeout(() => stream.end(noWelcome(options)), options.timeoutMs);
  sendMessage({ case: "hello", value: create(HelloSchema, options.hello) });
  const giveUp = () => stream.end(options.signal.reason);
  options.signal.addEventListener("abort", giveUp, { once: true });
  const welcome = await Promise.race([welcomed, stream.closed.then(rethrow(options))]).finally(() => {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", giveUp);
  });
  const heartbeat = () => sendMessage({ case: "heartbeat", value: create(HeartbeatSchema) });
  const stopWatching = liveness.watch(intervalOf(welcome), heartbeat, stream);
  return {
    relayId: welcome.relayId,
    send(reply) {
      if (stream.queuedBytes() > maxQueuedBytes) return false;
      sendFrame(encodeReplyFrame(reply));
      return true;
    },
    end: (error) => stream.end(error),
    setReading(on) {
      liveness.setReading(on);
      stream.setReading(on);
    },
    closed: stream.closed.finally(stopWatching),
  };
}

function dispatch(
  { message }: AttachResponse,
  onWelcome: (welcome: Welcome) => void,
  { onDelivery, onDrain, onTaken }: RelayConnectionOptions,
): void {
  // What a newer relay adds is not for this daemon.
  if (message.case === "welcome") onWelcome(message.value);
  if (message.case === "command") onDelivery(message.value);
  if (message.case === "drain") onDrain();
  if (message.case === "heartbeat") onTaken(Number(message.value.takenReplies));
}

// Sends a heartbeat when nothing else was sent for one interval; ends the stream after three silent ones.
function createLiveness() {
  let lastReceived = performance.now();
  let lastSent = performance.now();
  let reading = true;
  return {
    received() {
      lastReceived = performance.now();
    },
    sent() {
      lastSent = performance.now();
    },
    setReading(on: boolean) {
      reading = on;
      lastReceived = performance.now();
    },
    watch(intervalMs: number, heartbeat: () => void, stream: DialledStream): () => void {
      return checkRegularly(intervalMs / 4, () => {
        const now = performance.now();
        if (reading && now - lastReceived > 3 * intervalMs) stream.end(silent(now - lastReceived));
        else if (now - lastSent >= intervalMs) heartbeat();
      });
    },
  };
}

function intervalOf({ heartbeatInterval }: Welcome): number {
  const milliseconds = heartbeatInterval ? durationMs(heartbeatInterval) : 0;
  return Math.max(10, milliseconds || 10_000);
}

function rethrow({ url }: RelayConnectionOptions): (reason: unknown) => never {
  return (reason) => {
    throw (
      reason ??
      failure(ErrorReason.UNREACHABLE, `the relay at ${url} ended the stream before its welcome`, {
        metadata: { address: url },
        remedy: "look at the relay's log",
      })
    );
  };
}

function noWelcome({ url, timeoutMs }: RelayConnectionOptions) {
  return failure(ErrorReason.UNREACHABLE, `no welcome from the relay at ${url} within ${timeoutMs} ms`, {
    metadata: { address: url },
    remedy: "check the address, the network and that a relay runs there",
  });
}

function silent(milliseconds: number) {
  return failure(ErrorReason.UNREACHABLE, `the relay was silent for ${Math.round(milliseconds)} ms`, {
    metadata: {},
    remedy: "the daemon dials again by itself",
  });
}

function withResolvers<Value>() {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
