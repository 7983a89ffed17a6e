// Daemons stay attached: relays that go and come back, several relays, many daemons at once.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Bus } from "../../services/bus/bus.js";
import { defaultBackoff, shuffle } from "../../services/daemon/backoff.js";
import { startDaemon } from "../../services/daemon/start-daemon.js";
import { defaultPatience } from "../../services/fleet/run/waiting.js";
import { ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ManageServiceRequestSchema, ServiceAction } from "../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { backoffMs } from "../../services/shared/backoff.js";
import { ErrorReason, errorDetailOf, failure } from "../../services/shared/errors.js";
import { fleetId, manageServiceMethod, snapshotMethod } from "../relay/simulated-fleet.js";
import { waitFor } from "../shared/wait-for.js";
import { simulatedProvider } from "./simulated-provider.js";
import { openTestPath, type TestPath, testLog } from "./test-path.js";

let path: TestPath;

beforeEach(async () => {
  path = await openTestPath({ drainMs: 300 });
});

afterEach(() => path.close());

async function ask(hostId: string): Promise<void> {
  const command = await path.fleet.send([hostId], { method: snapshotMethod });
  expect((await path.fleet.repliesTo(command))[0]?.outcome).toBe(ReplyOutcome.OK);
}

test("a relay that is restarted at its address gets its daemons back", async () => {
  const daemon = await path.startHost("one");
  await ask(daemon.hostId);
  const { port } = new URL(path.relay.url);
  await path.relay.close();
  await path.fleet.presenceOf(daemon.hostId, false);
  await path.startRelay({ listen: { host: "127.0.0.1", port: Number(port) } });
  const presence = await path.fleet.presenceOf(daemon.hostId, true);
  await waitFor(() => daemon.counters().attachments === 2, "the welcome");
  const [first] = path.fleet.presences;
  expect(presence.attachment).toBeGreaterThan(first?.attachment ?? 0n);
  await ask(daemon.hostId);
});

test("a daemon that starts before its relay attaches when the relay comes", async () => {
  const { port } = new URL(path.relay.url);
  await path.relay.close();
  const attached = path.startHost("early");
  await new Promise((resolve) => setTimeout(resolve, 100));
  await path.startRelay({ listen: { host: "127.0.0.1", port: Number(port) } });
  await ask((await attached).hostId);
});

test("of two relays the daemon takes the other when one stops, and its answer is not lost", async () => {
  const second = await path.startRelay();
  let finish: (answer: object) => void = () => undefined;
  let asked = 0;
  const getSystemSnapshot = () => {
    asked++;
    return asked === 1
      ? new Promise<object>((resolve) => {
          finish = resolve;
        })
      : Promise.resolve({});
  };
  const relayUrls = [path.relay.url, second.url];
  const { hostId } = await path.startHost("one", { getSystemSnapshot }, { relayUrls });
  const used = path.fleet.presences.at(-1)?.relayId;
  const [leaving, staying] = used === second.relayId ? [second, path.relay] : [path.relay, second];
  const command = await path.fleet.send([hostId], { method: snapshotMethod });
  await waitFor(() => asked === 1, "the read");
  const closed = leaving.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  finish({});
  expect((await path.fleet.repliesTo(command))[0]?.outcome).toBe(ReplyOutcome.OK);
  await closed;
  await waitFor(() => path.fleet.presences.at(-1)?.relayId === staying.relayId, "the other relay");
  await ask(hostId);
});

test("an answer that is ready while no relay is there is sent when one is", async () => {
  let finish: (answer: object) => void = () => undefined;
  const getSystemSnapshot = () =>
    new Promise<object>((resolve) => {
      finish = resolve;
    });
  const daemon = await path.startHost("one", { getSystemSnapshot });
  const command = await path.fleet.send([daemon.hostId], { method: snapshotMethod });
  await waitFor(() => daemon.counters().deliveries === 1, "the command");
  const { port } = new URL(path.relay.url);
  await path.relay.close();
  finish({});
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(path.fleet.replies).toEqual([]);
  await path.startRelay({ listen: { host: "127.0.0.1", port: Number(port) } });
  expect((await path.fleet.repliesTo(command))[0]?.outcome).toBe(ReplyOutcome.OK);
});

test("two hundred daemons of one process attach, answer one command and leave", async () => {
  const names = Array.from({ length: 200 }, (_, index) => `host-${index}`);
  const daemons = await Promise.all(names.map((name) => path.startHost(name)));
  const since = performance.now();
  const command = await path.fleet.send(
    daemons.map(({ hostId }) => hostId),
    { method: snapshotMethod },
  );
  const replies = await path.fleet.repliesTo(command, 200);
  const elapsed = performance.now() - since;
  expect(new Set(replies.map(({ hostId }) => hostId)).size).toBe(200);
  expect(replies.every(({ outcome }) => outcome === ReplyOutcome.OK)).toBe(true);
  expect(elapsed).toBeLessThan(5_000);
  await Promise.all(daemons.map((daemon) => daemon.close()));
  await waitFor(() => path.fleet.presences.filter(({ online }) => !online).length === 200, "all to leave");
});

test("a daemon that is closed while it dials an address that does not answer closes at once", async () => {
  const silent = createServer();
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const daemon = await startDaemon({
    provider: simulatedProvider("one"),
    relayUrls: [`http://127.0.0.1:${port}`],
    fleetId,
    verifyingKey: path.fleet.key.verifyingKey,
    stateDirectory: path.makeDirectory(),
    log: testLog,
  });
  await once(silent, "connection");
  const since = performance.now();
  await daemon.close();
  expect(performance.now() - since).toBeLessThan(1_000);
  silent.close();
});

test("a daemon whose listener's port is taken says so and leaves nothing behind", async () => {
  const { port } = new URL(path.relay.url);
  const error = await startDaemon({
    provider: simulatedProvider("one"),
    relayUrls: [],
    fleetId,
    verifyingKey: path.fleet.key.verifyingKey,
    stateDirectory: path.makeDirectory(),
    listen: { host: "127.0.0.1", port: Number(port), token: "t" },
    log: testLog,
  }).catch((reason: unknown) => reason);
  expect(errorDetailOf(error)).toMatchObject({
    reason: ErrorReason.UNREACHABLE,
    metadata: { address: `127.0.0.1:${port}` },
  });
});

describe("back-off", () => {
  test("property: is between nothing and a bound that doubles up to the longest", () => {
    const options = { firstMs: 500, longestMs: 30_000, stableMs: 0 };
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const pause = backoffMs(attempt, options, () => random);
          const bound = Math.min(30_000, 500 * 2 ** (attempt - 1));
          expect(pause).toBeGreaterThanOrEqual(0);
          expect(pause).toBeLessThan(bound);
          expect(pause).toBeCloseTo(random * bound, 6);
        },
      ),
    );
  });

  test("relays that are restarted one after the other, ten seconds each, keep a daemon away for no more than the first pause", () => {
    const { stableMs, firstMs } = defaultBackoff;
    expect(stableMs).toBeLessThan(10_000);
    expect(backoffMs(1, defaultBackoff, () => 0.999)).toBeLessThan(firstMs);
    expect(firstMs).toBeLessThanOrEqual(defaultPatience.detachGraceMs / 2);
  });

  test("property: shuffling keeps every relay", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), (urls) => {
        expect([...shuffle(urls)].sort()).toEqual([...urls].sort());
      }),
    );
  });
});

const restartRequest = toBinary(
  ManageServiceRequestSchema,
  create(ManageServiceRequestSchema, { name: "a.service", action: ServiceAction.RESTART }),
);
const grant = { planHash: new Uint8Array(32), principal: "tester" };

test("an answer that the bus cannot take is brought again, and the command is not run twice", async () => {
  let refusals = 2;
  const bus: Bus = {
    ...path.bus,
    publish: async (topic, message) => {
      if (topic === "replies" && refusals-- > 0) throw failure(ErrorReason.UNREACHABLE, "the bus is away");
      return path.bus.publish(topic, message);
    },
  };
  const relay = await path.startRelay({ bus, replyPatienceMs: 0 });
  let runs = 0;
  const manageService = async () => {
    runs++;
    return { changes: [] };
  };
  const daemon = await path.startHost("one", { manageService }, { relayUrls: [relay.url] });
  const command = await path.fleet.send([daemon.hostId], {
    method: manageServiceMethod,
    request: restartRequest,
    grant,
  });
  expect((await path.fleet.repliesTo(command))[0]?.outcome).toBe(ReplyOutcome.OK);
  expect(relay.counters()).toMatchObject({ refusedReplies: 2, lostReplies: 0 });
  expect(runs).toBe(1);
});
