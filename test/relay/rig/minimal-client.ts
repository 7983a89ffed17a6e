// A daemon as small as it can be: HTTP/2 by hand on a TLS socket, and an answer to every command. It verifies nothing.
import { createHash } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { CommandSchema } from "../../../services/gen/systemsmanager/bus/v1/command_pb.js";
import { ReplyOutcome } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import {
  AttachRequestSchema,
  type AttachResponse,
  AttachResponseSchema,
} from "../../../services/gen/systemsmanager/relay/v1/relay_service_pb.js";
import { createFrameDecoder, encodeFrame } from "../../../services/shared/grpc-frames.js";
import { protocolVersion } from "../../../services/shared/version.js";
import type { ClientsPlan } from "./messages.js";

export interface MinimalClient {
  readonly resumed: boolean;
  readonly session: () => Buffer | undefined;
  /** Cuts the connection. */
  cut(): void;
}

const type = { data: 0, headers: 1, settings: 4, ping: 6, windowUpdate: 8 } as const;
const attachPath = "/systemsmanager.relay.v1.RelayService/Attach";

/** Resolves at the relay's welcome. */
export function attachMinimalClient(
  plan: ClientsPlan,
  hostId: string,
  index: number,
  session: Buffer | undefined,
): Promise<MinimalClient> {
  const { hostname, port } = new URL(plan.url);
  const body = Buffer.alloc(plan.answerBytes, index % 70);
  const digest = createHash("sha256").update(body).digest();
  return new Promise((resolve, reject) => {
    let lastSession: Buffer | undefined;
    const socket = connect({
      host: hostname,
      port: Number(port),
      ca: plan.ca,
      servername: "",
      ALPNProtocols: ["h2"],
      ...(session ? { session } : {}),
    });
    const send = (message: Parameters<typeof create<typeof AttachRequestSchema>>[1]) => {
      const bytes = toBinary(AttachRequestSchema, create(AttachRequestSchema, message));
      socket.write(http2Frame(type.data, 0, 1, encodeFrame(bytes)));
    };
    const decoder = createFrameDecoder(1 << 22, (bytes) => {
      const { message } = fromBinary(AttachResponseSchema, bytes);
      if (message.case === "welcome") {
        resolve({ resumed: socket.isSessionReused(), session: () => lastSession, cut: () => socket.destroy() });
      }
      if (message.case === "command") send({ message: { case: "reply", value: answer(message.value) } });
    });
    const answer = ({ signed }: Extract<AttachResponse["message"], { case: "command" }>["value"]) => {
      const { commandId, runId, replyPartition } = fromBinary(CommandSchema, signed?.command as Uint8Array);
      const times = { startedAt: timestampNow(), finishedAt: timestampNow() };
      const outcome = ReplyOutcome.OK;
      return { commandId, runId, replyPartition, hostId, outcome, body, bodyDigest: digest, ...times } as never;
    };
    socket.on("session", (given) => {
      lastSession = given;
    });
    socket.once("secureConnect", () => {
      socket.write(opening(`${hostname}:${port}`));
      const name = `rig-${index}`;
      const facts = { hostId, name, os: "linux", distro: "debian", distroVersion: "12", labels: { role: "rig" } };
      send({ message: { case: "hello", value: { protocolVersion, facts } as never } });
    });
    socket.on(
      "data",
      createHttp2Reader(socket, (data) => decoder.push(data)),
    );
    socket.on("error", reject);
  });
}

// Preface, settings, a window that never fills, and the request's headers as literals.
function opening(authority: string): Buffer {
  const settings = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
  const headers = [
    [":method", "POST"],
    [":scheme", "https"],
    [":path", attachPath],
    [":authority", authority],
    ["content-type", "application/grpc+proto"],
    ["te", "trailers"],
  ].map(([name, value]) => {
    const [n, v] = [Buffer.from(name as string), Buffer.from(value as string)];
    return Buffer.concat([Buffer.of(0, n.length), n, Buffer.of(v.length), v]);
  });
  return Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    http2Frame(type.settings, 0, 0, settings),
    http2Frame(type.windowUpdate, 0, 0, Buffer.from([0x3f, 0, 0, 0])),
    http2Frame(type.headers, 4, 1, Buffer.concat(headers)),
  ]);
}

function http2Frame(kind: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(9 + payload.length);
  frame.writeUIntBE(payload.length, 0, 3);
  frame[3] = kind;
  frame[4] = flags;
  frame.writeUInt32BE(stream, 5);
  frame.set(payload, 9);
  return frame;
}

function createHttp2Reader(socket: TLSSocket, onData: (data: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 9) {
      const end = 9 + rest.readUIntBE(0, 3);
      if (rest.length < end) return;
      const payload = rest.subarray(9, end);
      if (rest[3] === type.data) onData(payload);
      if (rest[3] === type.settings && rest[4] === 0) socket.write(http2Frame(type.settings, 1, 0, Buffer.alloc(0)));
      if (rest[3] === type.ping && rest[4] === 0) socket.write(http2Frame(type.ping, 1, 0, payload));
      rest = rest.subarray(end);
    }
  };
}
