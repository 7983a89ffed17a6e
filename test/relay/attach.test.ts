// The attach stream as any daemon sees it: what is taken, what is refused, and that refusing one leaves the others alone.
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Daemon } from "../../services/daemon/start-daemon.js";
import { ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { GetSystemSnapshotRequestSchema } from "../../services/gen/systemsmanager/telemetry/v1/system_pb.js";
import { ErrorReason, errorDetailOf, reasonName } from "../../services/shared/errors.js";
import { encodeFrame } from "../../services/shared/grpc-frames.js";
import { protocolVersion } from "../../services/shared/version.js";
import { hostIdOf } from "../daemon/simulated-provider.js";
import { openTestPath, type TestPath } from "../daemon/test-path.js";
import { waitFor } from "../shared/wait-for.js";
import { encodeRequest, helloOf, openRawClient, type RawClient } from "./raw-client.js";
import { snapshotMethod } from "./simulated-fleet.js";

let path: TestPath;
let healthy: Daemon;

beforeEach(async () => {
  path = await openTestPath({ heartbeatIntervalMs: 400, helloTimeoutMs: 1_000 });
  healthy = await path.startHost("healthy");
});

afterEach(async () => {
  const command = await path.fleet.send([healthy.hostId], { method: snapshotMethod });
  expect((await path.fleet.repliesTo(command))[0]?.outcome).toBe(ReplyOutcome.OK);
  expect(healthy.counters().attachments).toBe(1);
  await path.close();
});

describe("a stream is refused for", () => {
  const hello = encodeFrame(encodeRequest(helloOf("raw") as never));
  const replyOf = (hostId: string) => encodeRequest({ case: "reply", value: { hostId, runId: "r" } } as never);
  const newer = encodeRequest(helloOf("raw", { protocolVersion: protocolVersion + 1 }) as never);
  const badFacts = encodeRequest(helloOf("raw", { facts: { hostId: "x", name: "raw" } }) as never);
  const noFacts = encodeRequest(helloOf("raw", { facts: undefined }) as never);
  const other = toBinary(GetSystemSnapshotRequestSchema, create(GetSystemSnapshotRequestSchema));
  const oversize = Buffer.from([0, 0, 0x20, 0, 0]);

  test.each<[string, Uint8Array[], ErrorReason]>([
    ["a newer protocol version", [encodeFrame(newer)], ErrorReason.VERSION_UNSUPPORTED],
    ["facts that break a rule", [encodeFrame(badFacts)], ErrorReason.INVALID_ARGUMENT],
    ["no facts", [encodeFrame(noFacts)], ErrorReason.INVALID_ARGUMENT],
    ["a prefix that is not gRPC's", [Buffer.from("GET / HTTP/1.1\r\n\r\n")], ErrorReason.MALFORMED_ENVELOPE],
    ["a compressed message", [Buffer.from([1, 0, 0, 0, 1, 9])], ErrorReason.UNSUPPORTED],
    ["a message of 2 MiB announced", [hello, oversize], ErrorReason.TOO_LARGE],
    ["bytes that are not a message", [encodeFrame(Buffer.from([0xff, 0xff, 0xff]))], ErrorReason.MALFORMED_ENVELOPE],
    ["an empty message", [encodeFrame(other)], ErrorReason.MALFORMED_ENVELOPE],
    ["garbage after hello", [hello, encodeFrame(Buffer.from([0x0f, 0x01]))], ErrorReason.MALFORMED_ENVELOPE],
    [
      "a heartbeat before hello",
      [encodeFrame(encodeRequest({ case: "heartbeat", value: {} } as never))],
      ErrorReason.INVALID_ARGUMENT,
    ],
    ["a second hello", [hello, hello], ErrorReason.INVALID_ARGUMENT],
    ["a reply of another host", [hello, encodeFrame(replyOf(hostIdOf("healthy")))], ErrorReason.INVALID_ARGUMENT],
    ["silence", [], ErrorReason.DEADLINE_EXCEEDED],
  ])("%s", async (_, frames, reason) => {
    const client = openRawClient(path.relay.url);
    for (const frame of frames) client.write(frame);
    await expectEnd(client, reason);
    expect(path.relay.counters().failedStreams).toBe(1);
    expect(path.fleet.replies).toEqual([]);
  });

  test("a message cut short", async () => {
    const client = openRawClient(path.relay.url);
    client.stream.end(hello.subarray(0, hello.length - 1));
    await expectEnd(client, ErrorReason.MALFORMED_ENVELOPE);
  });

  test("property: random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 5, maxLength: 300 }), fc.boolean(), async (bytes, framed) => {
        const client = openRawClient(path.relay.url);
        client.stream.end(framed ? encodeFrame(bytes) : bytes);
        const error = await client.ended;
        expect(error, `stream of ${Buffer.from(bytes).toString("hex")}`).toBeDefined();
        expect(errorDetailOf(error).reason).not.toBe(ErrorReason.INTERNAL);
      }),
      { numRuns: 40 },
    );
  });
});

test("a frame may come in any pieces", async () => {
  const client = openRawClient(path.relay.url);
  for (const byte of encodeFrame(encodeRequest(helloOf("raw") as never))) {
    client.write(Uint8Array.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await waitFor(() => client.received[0]?.message.case === "welcome", "the welcome");
  client.close();
});

test.each([
  [
    "another method",
    "/systemsmanager.fleet.v1.FleetService/ListHosts",
    "application/grpc",
    ErrorReason.UNKNOWN_OPERATION,
  ],
])("%s on the relay's port is %s", async (_, method, contentType, reason) => {
  const client = openRawClient(path.relay.url, method, contentType);
  await expectEnd(client, reason);
});

test("what is not gRPC gets HTTP 404", async () => {
  const client = openRawClient(path.relay.url, "/", "text/html");
  const status = await new Promise((resolve) => client.stream.on("response", (headers) => resolve(headers[":status"])));
  expect(status).toBe(404);
  client.close();
});

test("the welcome names relay, protocol version and heartbeat interval", async () => {
  const client = openRawClient(path.relay.url);
  client.send(helloOf("raw") as never);
  await waitFor(() => client.received.length > 0, "the welcome");
  expect(client.received[0]?.message).toMatchObject({
    case: "welcome",
    value: { relayId: path.relay.relayId, protocolVersion, heartbeatInterval: { nanos: 400_000_000 } },
  });
  client.close();
});

test("a silent daemon hears heartbeats, is dropped after three intervals, and its presence says so", async () => {
  const client = openRawClient(path.relay.url);
  const since = performance.now();
  client.send(helloOf("raw") as never);
  await expectEnd(client, ErrorReason.UNREACHABLE);
  expect(performance.now() - since).toBeGreaterThan(1_200);
  expect(client.received.filter(({ message }) => message.case === "heartbeat").length).toBeGreaterThanOrEqual(2);
  await path.fleet.presenceOf(hostIdOf("raw"), false);
});

test("a second attachment ends the first, and the host stays online under a greater number", async () => {
  const hostId = hostIdOf("raw");
  const first = openRawClient(path.relay.url);
  first.send(helloOf("raw") as never);
  const before = await path.fleet.presenceOf(hostId, true);
  const second = openRawClient(path.relay.url);
  second.send(helloOf("raw") as never);
  await expectEnd(first, ErrorReason.ATTACHED_ELSEWHERE);
  const command = await path.fleet.send([hostId], { method: snapshotMethod });
  await waitFor(() => second.received.some(({ message }) => message.case === "command"), "the command");
  expect(command).toBeDefined();
  const presencesNow = () => path.fleet.presences.filter(({ facts }) => facts?.hostId === hostId);
  await waitFor(() => presencesNow().length >= 2, "the word on the second attachment");
  const presences = presencesNow();
  expect(presences.map(({ online }) => online)).toEqual([true, true]);
  expect(presences[1]?.attachment).toBeGreaterThan(before.attachment);
  second.close();
  const after = await path.fleet.presenceOf(hostId, false);
  expect(after.attachment).toBe(presences[1]?.attachment);
});

test("presence carries the facts as the daemon told them", async () => {
  const client = openRawClient(path.relay.url);
  client.send(helloOf("raw", { attachment: 42n }) as never);
  const presence = await path.fleet.presenceOf(hostIdOf("raw"), true);
  expect(presence).toMatchObject({ relayId: path.relay.relayId, attachment: 42n });
  expect(presence.facts).toMatchObject({ name: "raw", os: "linux", labels: { role: "test" } });
  client.close();
});

test("a daemon that takes nothing makes its own commands BUSY, and nobody else's", async () => {
  const slow = openRawClient(path.relay.url);
  slow.send(helloOf("slow") as never);
  await path.fleet.presenceOf(hostIdOf("slow"), true);
  slow.stream.pause();
  const beats = setInterval(() => slow.send({ case: "heartbeat", value: {} } as never), 50);
  const hosts = [hostIdOf("slow"), healthy.hostId];
  const request = new Uint8Array(400 * 1024);
  const commands = [];
  for (let index = 0; index < 16; index++) {
    const command = await path.fleet.send(hosts, { method: snapshotMethod, request });
    commands.push(command);
    await waitFor(
      () =>
        path.fleet.replies.some((reply) => reply.commandId === command.commandId && reply.hostId === healthy.hostId),
      "the healthy host",
    );
  }
  clearInterval(beats);
  const busy = path.fleet.replies.filter(({ hostId }) => hostId === hostIdOf("slow"));
  expect(busy.length).toBeGreaterThan(0);
  expect(busy.length).toBeLessThan(16);
  expect(path.relay.counters().busyDeliveries).toBe(busy.length);
  for (const reply of busy) {
    expect(reply.outcome).toBe(ReplyOutcome.FAILED);
    expect(reply.error?.reason).toBe(ErrorReason.BUSY);
    expect(commands.map(({ runId }) => runId)).toContain(reply.runId);
  }
  slow.close();
});

async function expectEnd(client: RawClient, reason: ErrorReason): Promise<void> {
  const error = await client.ended;
  expect(`${reasonName(errorDetailOf(error).reason)}: ${error?.rawMessage}`).toMatch(
    new RegExp(`^${reasonName(reason)}: .`),
  );
}
