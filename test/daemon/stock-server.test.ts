// A daemon at the attach stream of a stock gRPC server: grpc-js with the .proto files.
import { create } from "@bufbuild/protobuf";
import { loadPackageDefinition, Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectRelay } from "../../services/daemon/relay-connection.js";
import { ReplyOutcome, ReplySchema } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import type { CommandDelivery } from "../../services/gen/systemsmanager/relay/v1/relay_service_pb.js";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { protocolVersion } from "../../services/shared/version.js";
import { helloOf } from "../relay/raw-client.js";
import { waitFor } from "../shared/wait-for.js";
import { hostIdOf } from "./simulated-provider.js";

type AttachCall = ServerDuplexStream<any, any>;

const welcome = {
  relay_id: "stock",
  protocol_version: protocolVersion,
  heartbeat_interval: { seconds: 10, nanos: 0 },
};
let server: Server;
let url: string;
let onCall: (call: AttachCall) => void;

beforeEach(async () => {
  const proto = loadSync("systemsmanager/relay/v1/relay_service.proto", {
    includeDirs: [new URL("proto", findPackageRoot()).pathname],
    keepCase: true,
  });
  const { RelayService } = (loadPackageDefinition(proto) as any).systemsmanager.relay.v1;
  server = new Server({ "grpc.max_receive_message_length": -1 });
  server.addService(RelayService.service, { Attach: (call: AttachCall) => onCall(call) });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  url = `http://127.0.0.1:${port}`;
});

afterEach(() => server.forceShutdown());

function attach(onDelivery: (delivery: CommandDelivery) => void = () => undefined) {
  const { value } = helloOf("stock");
  const signal = new AbortController().signal;
  const events = { onDelivery, onDrain: () => undefined, onTaken: () => undefined };
  return connectRelay({ url, tls: {}, hello: value as never, timeoutMs: 5_000, signal, ...events });
}

test("it says hello, gets a command of a megabyte, answers with a large reply, and leaves in peace", async () => {
  const received: any[] = [];
  onCall = (call) => {
    call.on("data", (message) => {
      received.push(message);
      if (!message.hello) return;
      call.write({ welcome });
      call.write({ command: { signed: { key_id: "k", command: Buffer.alloc(1_000_000, 7) } } });
    });
    call.on("end", () => call.end());
  };
  const deliveries: CommandDelivery[] = [];
  const connection = await attach((delivery) => void deliveries.push(delivery));
  expect(connection.relayId).toBe("stock");
  await waitFor(() => deliveries.length === 1, "the command");
  expect(deliveries[0]?.signed?.command).toHaveLength(1_000_000);
  const reply = { hostId: hostIdOf("stock"), outcome: ReplyOutcome.OK, body: new Uint8Array(900_000).fill(5) };
  expect(connection.send(create(ReplySchema, reply))).toBe(true);
  await waitFor(() => received.some((message) => message.reply), "the reply");
  expect(received.find((message) => message.reply).reply.body).toHaveLength(900_000);
  connection.end();
  expect(await connection.closed).toBeUndefined();
});

test.each([
  ["at once", false],
  ["after its welcome", true],
])("a refusal %s is told with the server's words", async (_, isWelcomed) => {
  onCall = (call) => {
    if (isWelcomed) call.write({ welcome });
    call.emit("error", { code: status.PERMISSION_DENIED, details: "not you" });
  };
  const reason = isWelcomed ? await (await attach()).closed : await attach().catch((error: unknown) => error);
  expect(String(reason)).toMatch("[permission_denied] not you");
});

test("a server without the service is told as such", async () => {
  server.forceShutdown();
  server = new Server();
  const port = await new Promise<number>((resolve) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, bound) => resolve(bound)),
  );
  url = `http://127.0.0.1:${port}`;
  await expect(attach()).rejects.toThrow("[unimplemented]");
});
