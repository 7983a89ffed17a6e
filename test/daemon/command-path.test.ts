// Bus → relay → daemon → provider → bus.
import { createHash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import {
  GetSystemSnapshotRequestSchema,
  GetSystemSnapshotResponseSchema,
} from "../../services/gen/systemsmanager/telemetry/v1/system_pb.js";
import { signCommand } from "../../services/identity/command-signature.js";
import { generateSigningKey } from "../../services/identity/signing-key.js";
import { buildTargetTree, encodeHostIds } from "../../services/identity/target-tree.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { createCommand, manageServiceMethod, replyPartition, snapshotMethod } from "../relay/simulated-fleet.js";
import { waitFor } from "../shared/wait-for.js";
import { expectFailure } from "./expect-failure.js";
import { hostIdOf } from "./simulated-provider.js";
import { openTestPath, type TestPath } from "./test-path.js";

let path: TestPath;

beforeEach(async () => {
  path = await openTestPath();
});

afterEach(() => path.close());

describe("a read", () => {
  test("is answered with body, digest, duration and the command's own ids", async () => {
    const { fleet } = path;
    const { hostId } = await path.startHost("one");
    const before = Date.now();
    const command = await fleet.send([hostId], { method: snapshotMethod });
    const [reply] = await fleet.repliesTo(command);
    expect(reply).toMatchObject({ outcome: ReplyOutcome.OK, runId: command.runId, hostId, replyPartition });
    const body = reply?.body as Uint8Array;
    expect(fromBinary(GetSystemSnapshotResponseSchema, body).os?.hostname).toBe("one");
    expect(Buffer.from(reply?.bodyDigest ?? []).toString("hex")).toBe(createHash("sha256").update(body).digest("hex"));
    const durationMs = timestampMs(reply?.finishedAt as Timestamp) - timestampMs(reply?.startedAt as Timestamp);
    expect(durationMs).toBeGreaterThanOrEqual(0);
    expect(durationMs).toBeLessThanOrEqual(Date.now() - before);
    expect(reply?.fromJournal).toBe(false);
  });

  test("of equal answers gives equal bytes and digests on different hosts", async () => {
    const answer = async () => ({ os: { hostname: "same", prettyName: "Same" }, uptimeSeconds: 7 });
    const hosts = [
      await path.startHost("a", { getSystemSnapshot: answer }),
      await path.startHost("b", { getSystemSnapshot: answer }),
    ];
    const command = await path.fleet.send(
      hosts.map(({ hostId }) => hostId),
      { method: snapshotMethod },
    );
    const replies = await path.fleet.repliesTo(command, 2);
    expect(new Set(replies.map(({ bodyDigest }) => Buffer.from(bodyDigest).toString("hex"))).size).toBe(1);
  });

  test("reaches its targets alone", async () => {
    const asked: string[] = [];
    const note = (name: string) => ({
      getSystemSnapshot: async () => {
        asked.push(name);
        return {};
      },
    });
    const names = ["a", "b", "c"];
    for (const name of names) await path.startHost(name, note(name));
    const command = await path.fleet.send([hostIdOf("a"), hostIdOf("c"), hostIdOf("away")], { method: snapshotMethod });
    await path.fleet.repliesTo(command, 2);
    expect(asked.sort()).toEqual(["a", "c"]);
    expect(path.relay.counters().deliveries).toBe(2);
  });

  test.each([
    ["a failure with a reason", () => failure(ErrorReason.UNKNOWN_UNIT, "no such unit"), ErrorReason.UNKNOWN_UNIT],
    ["a fault of the handler", () => new TypeError("x is not a function"), ErrorReason.INTERNAL],
    ["something that is not an error", () => "text", ErrorReason.INTERNAL],
  ])("that fails by %s is FAILED and the daemon goes on", async (_, error, reason) => {
    let fails = true;
    const { hostId } = await path.startHost("one", {
      getSystemSnapshot: async () => {
        if (fails) throw error();
        return {};
      },
    });
    const failed = await path.fleet.send([hostId], { method: snapshotMethod });
    expectFailure((await path.fleet.repliesTo(failed))[0], ReplyOutcome.FAILED, reason);
    fails = false;
    const next = await path.fleet.send([hostId], { method: snapshotMethod });
    expect((await path.fleet.repliesTo(next))[0]?.outcome).toBe(ReplyOutcome.OK);
  });

  test("that outlives its timeout is FAILED with DEADLINE_EXCEEDED, though its handler never ends", async () => {
    const { hostId } = await path.startHost("one", { getSystemSnapshot: () => new Promise(() => undefined) });
    const command = await path.fleet.send([hostId], { method: snapshotMethod, timeoutMilliseconds: 50 });
    expectFailure((await path.fleet.repliesTo(command))[0], ReplyOutcome.FAILED, ErrorReason.DEADLINE_EXCEEDED);
  });

  test("is cancelled by a cancellation, and its signal aborted", async () => {
    let aborted = false;
    let started = false;
    const { hostId } = await path.startHost("one", {
      getSystemSnapshot: (_, { signal }) =>
        new Promise(() => {
          started = true;
          signal.addEventListener("abort", () => {
            aborted = true;
          });
        }),
    });
    const command = await path.fleet.send([hostId], { method: snapshotMethod });
    await waitFor(() => started, "the read");
    await path.fleet.send([hostId], {}, cancellationOf(command.commandId));
    expectFailure((await path.fleet.repliesTo(command))[0], ReplyOutcome.CANCELLED, ErrorReason.CANCELLED);
    expect(aborted).toBe(true);
  });

  test("whose cancellation came first is cancelled too", async () => {
    const { hostId } = await path.startHost("one");
    const command = createCommand([hostId], { method: snapshotMethod });
    await path.fleet.send([hostId], {}, cancellationOf(command.commandId));
    await path.fleet.publish(signCommand(path.fleet.key, command), [hostId]);
    expectFailure((await path.fleet.repliesTo(command))[0], ReplyOutcome.CANCELLED, ErrorReason.CANCELLED);
  });

  test("delivered twice while it runs is answered once", async () => {
    let calls = 0;
    let finish: (answer: object) => void = () => undefined;
    const daemon = await path.startHost("one", {
      getSystemSnapshot: () => {
        calls++;
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    const command = createCommand([daemon.hostId], { method: snapshotMethod });
    const signed = signCommand(path.fleet.key, command);
    await path.fleet.publish(signed, [daemon.hostId]);
    await path.fleet.publish(signed, [daemon.hostId]);
    await waitFor(() => daemon.counters().duplicates === 1, "the duplicate");
    finish({});
    await path.fleet.repliesTo(command);
    expect(calls).toBe(1);
    expect(path.fleet.replies.length).toBe(1);
  });

  test("beyond what may run and wait is BUSY, the others are answered", async () => {
    const release: (() => void)[] = [];
    const handler = () => new Promise<object>((resolve) => release.push(() => resolve({})));
    const limits = { concurrentReads: 2, waitingReads: 3 };
    const { hostId } = await path.startHost("one", { getSystemSnapshot: handler }, { limits });
    const commands = [];
    for (let index = 0; index < 8; index++) commands.push(await path.fleet.send([hostId], { method: snapshotMethod }));
    await waitFor(() => path.fleet.replies.length === 3, "the refusals");
    for (const reply of path.fleet.replies) expectFailure(reply, ReplyOutcome.FAILED, ErrorReason.BUSY);
    expect(release.length).toBe(2);
    await waitFor(() => {
      for (const one of release.splice(0)) one();
      return path.fleet.replies.length === 8;
    }, "all answers");
    expect(path.fleet.replies.filter(({ outcome }) => outcome === ReplyOutcome.OK).length).toBe(5);
  });

  test("whose answer is larger than 900 KiB is TOO_LARGE with bytes and limit", async () => {
    const answer = async () => ({ os: { hostname: "x".repeat(900 * 1024) } });
    const { hostId } = await path.startHost("one", { getSystemSnapshot: answer });
    const command = await path.fleet.send([hostId], { method: snapshotMethod });
    const [reply] = await path.fleet.repliesTo(command);
    expectFailure(reply, ReplyOutcome.FAILED, ErrorReason.TOO_LARGE);
    expect(Number(reply?.error?.metadata.bytes)).toBeGreaterThan(900 * 1024);
    expect(reply?.error?.metadata.limit).toBe(String(900 * 1024));
  });

  test("whose answer is just below 900 KiB arrives whole", async () => {
    const hostname = "y".repeat(900 * 1024 - 100);
    const { hostId } = await path.startHost("one", { getSystemSnapshot: async () => ({ os: { hostname } }) });
    const command = await path.fleet.send([hostId], { method: snapshotMethod });
    const [reply] = await path.fleet.repliesTo(command);
    expect(reply?.outcome).toBe(ReplyOutcome.OK);
    expect(fromBinary(GetSystemSnapshotResponseSchema, reply?.body as Uint8Array).os?.hostname).toBe(hostname);
  });
});

describe("what a daemon refuses", () => {
  const method = snapshotMethod;
  const hour = 3_600_000;
  const others = buildTargetTree(encodeHostIds([hostIdOf("other")]));
  const future = { issuedAt: timestampFromMs(Date.now() + hour), expiresAt: timestampFromMs(Date.now() + 2 * hour) };

  test.each([
    ["another fleet", { method }, { fleetId: "other" }, ReplyOutcome.DENIED, ErrorReason.WRONG_FLEET],
    ["issued in the future", { method }, future, ReplyOutcome.EXPIRED, ErrorReason.COMMAND_EXPIRED],
    ["an unknown operation", { method: `${method}s` }, {}, ReplyOutcome.FAILED, ErrorReason.UNKNOWN_OPERATION],
    [
      "a request that is not one",
      { method, request: Uint8Array.of(0xff, 0xff) },
      {},
      ReplyOutcome.FAILED,
      ErrorReason.INVALID_ARGUMENT,
    ],
    [
      "a request that breaks a rule",
      { method: manageServiceMethod, request: Uint8Array.of() },
      {},
      ReplyOutcome.FAILED,
      ErrorReason.INVALID_ARGUMENT,
    ],
  ])("%s", async (_, invocation, change, outcome, reason) => {
    const { hostId } = await path.startHost("one");
    const command = await path.fleet.send([hostId], invocation, change);
    expectFailure((await path.fleet.repliesTo(command))[0], outcome, reason);
  });

  test("a signature by another key", async () => {
    const { hostId } = await path.startHost("one");
    const command = createCommand([hostId], { method });
    await path.fleet.publish(signCommand(generateSigningKey(), command), [hostId]);
    const [reply] = await path.fleet.repliesTo(command);
    expectFailure(reply, ReplyOutcome.DENIED, ErrorReason.BAD_SIGNATURE);
  });

  test("a signature over other bytes under the fleet's key id", async () => {
    const { hostId } = await path.startHost("one");
    const command = createCommand([hostId], { method });
    const signed = signCommand(path.fleet.key, createCommand([hostId], { method }));
    const forged = { ...signed, command: signCommand(generateSigningKey(), command).command };
    await path.fleet.publish(forged, [hostId]);
    expectFailure((await path.fleet.repliesTo(command))[0], ReplyOutcome.DENIED, ErrorReason.BAD_SIGNATURE);
  });

  test("nothing from a relay that was given targets which the fleet did not sign: it is counted there", async () => {
    const { hostId } = await path.startHost("one");
    const change = { targetRoot: others.root, targetCount: others.size };
    await path.fleet.send([hostId], { method }, change);
    await waitFor(() => path.relay.counters().malformedCommands === 1, "the relay's count");
    const next = await path.fleet.send([hostId], { method });
    await path.fleet.repliesTo(next);
    expect(path.fleet.replies.length).toBe(1);
  });

  test("expired commands do not even reach it", async () => {
    const daemon = await path.startHost("one");
    const times = { issuedAt: timestampFromMs(Date.now() - hour), expiresAt: timestampFromMs(Date.now() - 1) };
    await path.fleet.send([daemon.hostId], { method }, times);
    await waitFor(() => path.relay.counters().expiredCommands === 1, "the relay's count");
    expect(daemon.counters().deliveries).toBe(0);
  });

  test.each([
    ["empty", new Uint8Array()],
    ["random bytes", Uint8Array.from({ length: 200 }, (_, index) => (index * 37 + 11) % 256)],
    ["another message", toBinary(GetSystemSnapshotRequestSchema, create(GetSystemSnapshotRequestSchema))],
  ])("an envelope of %s is counted by the relay, which goes on", async (_, value) => {
    const { hostId } = await path.startHost("one");
    await path.bus.publish("commands", { key: "k", value });
    await waitFor(() => path.relay.counters().malformedCommands === 1, "the relay's count");
    const command = await path.fleet.send([hostId], { method });
    expect((await path.fleet.repliesTo(command))[0]?.outcome).toBe(ReplyOutcome.OK);
  });
});

function cancellationOf(commandId: string) {
  return { action: { case: "cancellation" as const, value: { commandId } } } as never;
}
