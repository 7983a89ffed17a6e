// Any gRPC client can be a daemon: grpc-js with the .proto files, and Connect with the generated code.
import { create, toBinary } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { credentials, loadPackageDefinition, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type Reply,
  ReplyBatchSchema,
  ReplyOutcome,
  ReplySchema,
} from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import {
  type AttachRequest,
  AttachRequestSchema,
  RelayService,
} from "../../services/gen/systemsmanager/relay/v1/relay_service_pb.js";
import { ErrorReason, errorDetailOf } from "../../services/shared/errors.js";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { protocolVersion } from "../../services/shared/version.js";
import { hostIdOf } from "../daemon/simulated-provider.js";
import { openTestPath, type TestPath } from "../daemon/test-path.js";
import { waitFor } from "../shared/wait-for.js";
import { helloOf } from "./raw-client.js";
import { replyPartition, snapshotMethod } from "./simulated-fleet.js";

let path: TestPath;

beforeEach(async () => {
  path = await openTestPath();
});

afterEach(() => path.close());

function attachWithGrpcJs() {
  const proto = loadSync("systemsmanager/relay/v1/relay_service.proto", {
    includeDirs: [new URL("proto", findPackageRoot()).pathname],
    keepCase: true,
  });
  const Client = (loadPackageDefinition(proto) as any).systemsmanager.relay.v1.RelayService;
  const client = new Client(path.relay.url.replace("http://", ""), credentials.createInsecure());
  return { client, call: client.Attach() };
}

const facts = { host_id: hostIdOf("stock"), name: "stock", os: "linux" };

test("grpc-js attaches, gets a command and answers it", async () => {
  const { client, call } = attachWithGrpcJs();
  const received: any[] = [];
  call.on("data", (message: unknown) => received.push(message));
  call.on("error", () => undefined);
  call.write({ hello: { protocol_version: protocolVersion, facts } });
  await path.fleet.presenceOf(hostIdOf("stock"), true);
  const command = await path.fleet.send([hostIdOf("stock"), hostIdOf("away")], { method: snapshotMethod });
  await waitFor(() => received.some((message) => message.command), "the command");
  const { signed, proof } = received.find((message) => message.command).command;
  expect(signed.key_id).toBe(path.fleet.key.keyId);
  expect(proof.bucket).toHaveLength(32);
  const { commandId: command_id, runId: run_id } = command;
  const body = Buffer.from("answer");
  const { host_id } = facts;
  call.write({ reply: { command_id, run_id, host_id, outcome: 1, body, reply_partition: replyPartition } });
  const [reply] = await path.fleet.repliesTo(command);
  expect(reply).toMatchObject({ runId: command.runId, outcome: ReplyOutcome.OK });
  expect(Buffer.from(reply?.body ?? []).toString()).toBe("answer");
  call.end();
  await path.fleet.presenceOf(hostIdOf("stock"), false);
  client.close();
});

test("grpc-js sees why it is refused as a status with code and message", async () => {
  const { client, call } = attachWithGrpcJs();
  call.on("data", () => undefined);
  const ended = new Promise<ServiceError>((resolve) => call.on("error", resolve));
  call.write({ hello: { protocol_version: protocolVersion + 1, facts } });
  const error = await ended;
  expect(error.code).toBe(status.FAILED_PRECONDITION);
  expect(error.details).toMatch(/protocol version 2.*up to 1/);
  expect(error.metadata).toBeInstanceOf(Metadata);
  client.close();
});

test("Connect's client attaches, gets a command and answers it", async () => {
  const client = createClient(RelayService, createGrpcTransport({ baseUrl: path.relay.url }));
  const outgoing = createQueue<AttachRequest>();
  const push = (message: object) => outgoing.push(create(AttachRequestSchema, { message } as never));
  push(helloOf("stock"));
  const cases: (string | undefined)[] = [];
  const answered = new Promise<void>((resolve) => {
    void (async () => {
      for await (const { message } of client.attach(outgoing)) {
        cases.push(message.case);
        if (message.case !== "command") continue;
        const reply = { hostId: hostIdOf("stock"), commandId: "c", runId: "r", outcome: 1, replyPartition };
        push({ case: "reply", value: create(ReplySchema, reply) });
        outgoing.end();
      }
      resolve();
    })();
  });
  await path.fleet.presenceOf(hostIdOf("stock"), true);
  await path.fleet.send([hostIdOf("stock")], { method: snapshotMethod });
  await answered;
  expect(cases).toEqual(["welcome", "command", "heartbeat"]);
  await waitFor(() => path.fleet.replies.length === 1, "the reply");
  expect(path.fleet.replies[0]).toMatchObject({ runId: "r", outcome: ReplyOutcome.OK });
});

test("Connect's client sees why it is refused as a typed error", async () => {
  const client = createClient(RelayService, createGrpcTransport({ baseUrl: path.relay.url }));
  const outgoing = createQueue<AttachRequest>();
  outgoing.push(create(AttachRequestSchema, { message: helloOf("stock", { protocolVersion: 9 }) } as never));
  const error = await (async () => {
    for await (const _ of client.attach(outgoing));
    return undefined;
  })().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConnectError);
  expect(errorDetailOf(error)).toMatchObject({
    reason: ErrorReason.VERSION_UNSUPPORTED,
    metadata: { theirs: "9", ours: String(protocolVersion) },
  });
  outgoing.end();
});

test("a reply is published as the daemon wrote it, with what this version does not know", async () => {
  const client = createClient(RelayService, createGrpcTransport({ baseUrl: path.relay.url }));
  const published: Uint8Array[] = [];
  await path.bus.subscribe({ topic: "replies", group: "raw", from: "latest" }, async ({ value }) => {
    published.push(value);
  });
  const outgoing = createQueue<AttachRequest>();
  outgoing.push(create(AttachRequestSchema, { message: helloOf("stock") } as never));
  const reply: Reply = create(ReplySchema, { hostId: hostIdOf("stock"), runId: "r", message: "é", replyPartition });
  // A field of a later version.
  reply.$unknown = [{ no: 777, wireType: 0, data: Uint8Array.of(5) }];
  outgoing.push(create(AttachRequestSchema, { message: { case: "reply", value: reply } }));
  outgoing.end();
  for await (const _ of client.attach(outgoing));
  await waitFor(() => published.length === 1, "the reply");
  expect(Buffer.from(published[0] ?? []).toString("hex")).toBe(
    Buffer.from(toBinary(ReplyBatchSchema, create(ReplyBatchSchema, { others: [reply] }))).toString("hex"),
  );
});

// An async iterable that is fed from outside.
function createQueue<Item>() {
  const items: Item[] = [];
  let ended = false;
  let wake: () => void = () => undefined;
  return {
    push(item: Item) {
      items.push(item);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (!ended || items.length > 0) {
        const item = items.shift();
        if (item) yield item;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}
