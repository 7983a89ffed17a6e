// Changes happen at most once: journal, redelivery, queue, cancellation.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Daemon } from "../../services/daemon/start-daemon.js";
import type { Command, SignedCommand } from "../../services/gen/systemsmanager/bus/v1/command_pb.js";
import { ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import {
  ManageServiceRequestSchema,
  ManageServiceResponseSchema,
  ServiceAction,
} from "../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { signCommand } from "../../services/identity/command-signature.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { type CommandChange, createCommand, manageServiceMethod } from "../relay/simulated-fleet.js";
import { waitFor } from "../shared/wait-for.js";
import { expectFailure } from "./expect-failure.js";
import type { SimulatedHandlers } from "./simulated-provider.js";
import { openTestPath, type TestPath } from "./test-path.js";

let path: TestPath;

beforeEach(async () => {
  path = await openTestPath();
});

afterEach(() => path.close());

const grant = { planHash: new Uint8Array(32), principal: "tester" };

interface Change {
  readonly command: Command;
  readonly signed: SignedCommand;
}

function restartOf(name: string, dryRun = false): Uint8Array {
  const request = create(ManageServiceRequestSchema, { name, action: ServiceAction.RESTART, dryRun });
  return toBinary(ManageServiceRequestSchema, request);
}

function signChange(hostId: string, change: CommandChange = {}, name = "a.service"): Change {
  const command = createCommand([hostId], { method: manageServiceMethod, request: restartOf(name), grant }, change);
  return { command, signed: signCommand(path.fleet.key, command) };
}

// A provider that notes what it did and waits as long as the test wants.
function notingProvider() {
  const done: string[] = [];
  const waiting: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const handlers: SimulatedHandlers = {
    manageService: async (request: { name: string; dryRun: boolean }) => {
      running++;
      most = Math.max(most, running);
      if (request.name.startsWith("slow")) await new Promise<void>((resolve) => waiting.push(resolve));
      running--;
      if (request.name.startsWith("bad")) throw failure(ErrorReason.COMMAND_FAILED, "exit 1");
      if (!request.dryRun) done.push(request.name);
      return { changes: [{ subject: request.name }], dryRun: request.dryRun };
    },
  };
  return { done, waiting, handlers, most: () => most };
}

describe("a change", () => {
  test("without a grant is DENIED with PLAN_REQUIRED, and nothing runs", async () => {
    const { done, handlers } = notingProvider();
    const { hostId } = await path.startHost("one", handlers);
    const command = await path.fleet.send([hostId], { method: manageServiceMethod, request: restartOf("a.service") });
    expectFailure((await path.fleet.repliesTo(command))[0], ReplyOutcome.DENIED, ErrorReason.PLAN_REQUIRED);
    expect(done).toEqual([]);
  });

  test.each([
    [true, "its answer has"],
    [false, "it was carried out, but its answer has"],
  ])("with an answer that is too large says whether anything was done: dry run %s", async (dryRun, words) => {
    const manageService = async () => ({ changes: [{ subject: "x".repeat(900 * 1024) }] });
    const { hostId } = await path.startHost("one", { manageService });
    const invocation = { method: manageServiceMethod, request: restartOf("a.service", dryRun), grant };
    const [reply] = await path.fleet.repliesTo(await path.fleet.send([hostId], invocation));
    expectFailure(reply, ReplyOutcome.FAILED, ErrorReason.TOO_LARGE);
    expect(reply?.message).toContain(`ManageService: ${words}`);
  });

  test("as a dry run needs no grant and leaves no trace in the journal: it may run again", async () => {
    const { done, handlers } = notingProvider();
    const daemon = await path.startHost("one", handlers);
    const command = createCommand([daemon.hostId], {
      method: manageServiceMethod,
      request: restartOf("a.service", true),
    });
    const signed = signCommand(path.fleet.key, command);
    await path.fleet.publish(signed, [daemon.hostId]);
    await path.fleet.repliesTo(command);
    await path.fleet.publish(signed, [daemon.hostId]);
    const replies = await path.fleet.repliesTo(command, 2);
    expect(replies.map(({ outcome, fromJournal }) => [outcome, fromJournal])).toEqual([
      [ReplyOutcome.OK, false],
      [ReplyOutcome.OK, false],
    ]);
    expect(done).toEqual([]);
  });

  test.each([
    ["succeeded", "a.service", ReplyOutcome.OK, ["a.service"]],
    ["failed", "bad.service", ReplyOutcome.FAILED, []],
  ])(
    "that %s runs once; delivered again, and after a restart, it gives the stored result",
    async (_, name, outcome, ran) => {
      const { done, handlers } = notingProvider();
      const daemon = await path.startHost("one", handlers);
      const { command, signed } = signChange(daemon.hostId, {}, name);
      await path.fleet.publish(signed, [daemon.hostId]);
      const [first] = await path.fleet.repliesTo(command);
      await path.fleet.publish(signed, [daemon.hostId]);
      await path.fleet.repliesTo(command, 2);
      await daemon.close();
      await path.startHost("one", handlers);
      await path.fleet.publish(signed, [daemon.hostId]);
      const replies = await path.fleet.repliesTo(command, 3);
      expect(done).toEqual(ran);
      expect(first?.outcome).toBe(outcome);
      expect(replies.map(({ fromJournal }) => fromJournal)).toEqual([false, true, true]);
      for (const reply of replies) expect({ ...reply, fromJournal: false }).toEqual(first);
      if (outcome === ReplyOutcome.OK) {
        const body = fromBinary(ManageServiceResponseSchema, first?.body as Uint8Array);
        expect(body.changes[0]?.subject).toBe(name);
      }
    },
  );

  test("issued before the host's journal began is DENIED with JOURNAL_LOST", async () => {
    const { done, handlers } = notingProvider();
    const daemon = await path.startHost("one", handlers);
    const { command, signed } = signChange(daemon.hostId);
    await path.fleet.publish(signed, [daemon.hostId]);
    await path.fleet.repliesTo(command);
    await daemon.close();
    await path.fleet.presenceOf(daemon.hostId, false);
    const stateDirectory = join(path.makeDirectory(), "fresh");
    mkdirSync(stateDirectory);
    await path.startHost("one", handlers, { stateDirectory });
    await path.fleet.publish(signed, [daemon.hostId]);
    const [, again] = await path.fleet.repliesTo(command, 2);
    expectFailure(again, ReplyOutcome.DENIED, ErrorReason.JOURNAL_LOST);
    expect(Date.parse(again?.error?.metadata.journal_since ?? "")).toBeGreaterThan(
      Date.parse(again?.error?.metadata.issued_at ?? ""),
    );
    expect(done).toEqual(["a.service"]);
    rmSync(stateDirectory, { recursive: true, force: true });
  });

  test("waits for the one that runs; beyond the queue it is BUSY, and stays so when it is delivered again", async () => {
    const { done, handlers, waiting, most } = notingProvider();
    const daemon = await path.startHost("one", handlers, { limits: { waitingChanges: 1 } });
    const changes = ["slow-1", "slow-2", "slow-3"].map((name) => signChange(daemon.hostId, {}, name));
    for (const { signed } of changes) await path.fleet.publish(signed, [daemon.hostId]);
    const refused = changes[2] as Change;
    expectFailure((await path.fleet.repliesTo(refused.command))[0], ReplyOutcome.FAILED, ErrorReason.BUSY);
    await releaseAll(waiting, () => done.length === 2);
    await path.fleet.publish(refused.signed, [daemon.hostId]);
    const [, again] = await path.fleet.repliesTo(refused.command, 2);
    expectFailure(again, ReplyOutcome.FAILED, ErrorReason.BUSY);
    expect(again?.fromJournal).toBe(true);
    expect(done).toEqual(["slow-1", "slow-2"]);
    expect(most()).toBe(1);
  });

  test("that has begun is not cancelled; one that waits is, and never runs", async () => {
    const { done, handlers, waiting } = notingProvider();
    const daemon = await path.startHost("one", handlers);
    const [begun, queued] = ["slow-1", "slow-2"].map((name) => signChange(daemon.hostId, {}, name)) as [Change, Change];
    for (const { signed } of [begun, queued]) await path.fleet.publish(signed, [daemon.hostId]);
    await waitFor(() => waiting.length === 1, "the first change");
    for (const { command } of [begun, queued]) await cancel(daemon, command);
    expectFailure((await path.fleet.repliesTo(queued.command))[0], ReplyOutcome.CANCELLED, ErrorReason.CANCELLED);
    expect(path.fleet.replies.length).toBe(1);
    await releaseAll(waiting, () => done.length === 1);
    expect((await path.fleet.repliesTo(begun.command))[0]?.outcome).toBe(ReplyOutcome.OK);
    await path.fleet.publish(queued.signed, [daemon.hostId]);
    const [, again] = await path.fleet.repliesTo(queued.command, 2);
    expectFailure(again, ReplyOutcome.CANCELLED, ErrorReason.CANCELLED);
    expect(done).toEqual(["slow-1"]);
  });

  test("that ignores its deadline is INDETERMINATE, and no other begins while it still runs", async () => {
    const { done, handlers, waiting } = notingProvider();
    const { hostId } = await path.startHost("one", handlers, { limits: { stopGraceMs: 50 } });
    const request = restartOf("slow-1");
    const command = await path.fleet.send([hostId], {
      method: manageServiceMethod,
      request,
      grant,
      timeoutMilliseconds: 50,
    });
    expectFailure((await path.fleet.repliesTo(command))[0], ReplyOutcome.INDETERMINATE, ErrorReason.INDETERMINATE);
    const next = signChange(hostId);
    await path.fleet.publish(next.signed, [hostId]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(done).toEqual([]);
    await releaseAll(waiting, () => done.length === 2);
    await path.fleet.repliesTo(next.command);
    expect(done).toEqual(["slow-1", "a.service"]);
  });
});

async function releaseAll(waiting: (() => void)[], until: () => boolean): Promise<void> {
  await waitFor(() => {
    for (const release of waiting.splice(0)) release();
    return until();
  }, "the changes that wait");
}

async function cancel(daemon: Daemon, { commandId }: Command): Promise<void> {
  const before = daemon.counters().deliveries;
  const action = { case: "cancellation", value: { commandId } };
  await path.fleet.send([daemon.hostId], {}, { action } as never);
  await waitFor(() => daemon.counters().deliveries > before, "the cancellation");
}
