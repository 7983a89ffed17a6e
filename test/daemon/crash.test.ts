// A daemon killed in the middle of a change says so when it is back, and never runs the change again. The daemon is a real
// process, killed with SIGKILL.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openJournal } from "../../services/daemon/journal.js";
import { ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ManageServiceRequestSchema, ServiceAction } from "../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { signCommand } from "../../services/identity/command-signature.js";
import { ErrorReason } from "../../services/shared/errors.js";
import { findPackageRoot } from "../../services/shared/package-root.js";
import { createCommand, manageServiceMethod } from "../relay/simulated-fleet.js";
import { waitFor } from "../shared/wait-for.js";
import { expectFailure } from "./expect-failure.js";
import { hostIdOf } from "./simulated-provider.js";
import { openTestPath, type TestPath } from "./test-path.js";

const root = findPackageRoot().pathname;
const hostId = hostIdOf("crashing");

let compiled: string;
let path: TestPath;
let directory: string;
const children: ChildProcess[] = [];

// Node 20 runs no TypeScript, so the child is compiled; below node_modules, where it finds the packages.
beforeAll(() => {
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  compiled = mkdtempSync(join(cache, "systems-manager-test-"));
  const args = ["node_modules/typescript/bin/tsc", "-p", ".", "--noEmit", "false", "--outDir", compiled, "--noCheck"];
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(existsSync(childProgram()), `${result.stdout}${result.stderr}`).toBe(true);
});

afterAll(() => rmSync(compiled, { recursive: true, force: true }));

beforeEach(async () => {
  path = await openTestPath({ heartbeatIntervalMs: 400 });
  directory = path.makeDirectory();
  writeFileSync(join(directory, "fleet.pub"), path.fleet.key.verifyingKey.pem);
});

afterEach(async () => {
  for (const child of children.splice(0)) killGroup(child);
  await path.close();
});

function childProgram(): string {
  return join(compiled, "test/daemon/crashing-daemon.js");
}

function noted(): string[] {
  const file = join(directory, "notes");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

async function startChild(relayUrl = path.relay.url, tracer: string[] = []): Promise<ChildProcess> {
  const args = [relayUrl, join(directory, "fleet.pub"), join(directory, "state"), join(directory, "notes")];
  const [program, ...all] = [...tracer, process.execPath, childProgram(), ...args] as [string, ...string[]];
  const child = spawn(program, all, { stdio: ["ignore", "inherit", "inherit"], detached: true });
  children.push(child);
  await path.fleet.presenceOf(hostId, true);
  return child;
}

// The child leads a group of its own, so that a tracer's child goes with it.
function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
}

async function killChild(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  killGroup(child);
  await exited;
  await path.fleet.presenceOf(hostId, false);
}

/** Waits until the daemon has written down that the bus has all its replies, which it hears with a heartbeat. */
async function allReported(): Promise<void> {
  const journal = await openJournal(join(directory, "state", "journal"));
  await waitFor(() => journal.unreported().length === 0, "the relay's word that the bus has the replies");
  await journal.close();
}

function signChange(name: string) {
  const request = toBinary(
    ManageServiceRequestSchema,
    create(ManageServiceRequestSchema, { name, action: ServiceAction.RESTART }),
  );
  const grant = { planHash: new Uint8Array(32), principal: "tester" };
  const command = createCommand([hostId], { method: manageServiceMethod, request, grant });
  return { command, signed: signCommand(path.fleet.key, command) };
}

test("killed between STARTED and DONE: INDETERMINATE at once when it is back, again when asked, and not run twice", async () => {
  const first = await startChild();
  const { command, signed } = signChange("hang.service");
  await path.fleet.publish(signed, [hostId]);
  await waitFor(() => noted().length === 1, "the change to begin");
  await killChild(first);
  expect(path.fleet.replies).toEqual([]);

  const second = await startChild();
  const [unasked] = await path.fleet.repliesTo(command);
  expectFailure(unasked, ReplyOutcome.INDETERMINATE, ErrorReason.INDETERMINATE);
  expect(unasked).toMatchObject({ runId: command.runId, hostId, fromJournal: true });
  expect(unasked?.error?.metadata.command_id).toBe(command.commandId);
  await path.fleet.publish(signed, [hostId]);
  const [, asked] = await path.fleet.repliesTo(command, 2);
  expectFailure(asked, ReplyOutcome.INDETERMINATE, ErrorReason.INDETERMINATE);

  const other = signChange("quick.service");
  await path.fleet.publish(other.signed, [hostId]);
  expect((await path.fleet.repliesTo(other.command))[0]?.outcome).toBe(ReplyOutcome.OK);
  await allReported();
  await killChild(second);

  await startChild();
  await path.fleet.publish(other.signed, [hostId]);
  const [, again] = await path.fleet.repliesTo(other.command, 2);
  expect(again).toMatchObject({ outcome: ReplyOutcome.OK, fromJournal: true });
  // What the bus has is not reported unasked again.
  expect(path.fleet.replies.filter(({ commandId }) => commandId === command.commandId).length).toBe(2);
  expect(noted()).toEqual(["hang.service", "quick.service"]);
});

test("killed after DONE, with the reply on the bus: the stored result when asked, and not run twice", async () => {
  const first = await startChild();
  const { command, signed } = signChange("quick.service");
  await path.fleet.publish(signed, [hostId]);
  const [reply] = await path.fleet.repliesTo(command);
  await allReported();
  await killChild(first);
  await startChild();
  await path.fleet.publish(signed, [hostId]);
  const [, again] = await path.fleet.repliesTo(command, 2);
  expect(again).toEqual({ ...reply, fromJournal: true });
  expect(noted()).toEqual(["quick.service"]);
});

test("killed after DONE, before the relay's word that the bus has the reply: it is sent again unasked", async () => {
  const slow = await path.startRelay({ heartbeatIntervalMs: 60_000 });
  const first = await startChild(slow.url);
  const { command, signed } = signChange("quick.service");
  await path.fleet.publish(signed, [hostId]);
  await path.fleet.repliesTo(command);
  await killChild(first);
  await startChild();
  const replies = await path.fleet.repliesTo(command, 2);
  expect(replies.map(({ fromJournal }) => fromJournal)).toEqual([false, true]);
  expect(noted()).toEqual(["quick.service"]);
});

const strace = spawnSync("strace", ["-V"]).status === 0;
if (!strace && process.env.CI) throw new Error("strace is needed to prove that the journal is synced before a change");

test.skipIf(!strace)("STARTED is synced to disk before the change begins, and DONE before its reply", async () => {
  const trace = join(directory, "trace");
  const child = await startChild(path.relay.url, ["strace", "-f", "-e", "trace=fdatasync,openat", "-o", trace]);
  const before = readFileSync(trace, "utf8").length;
  const { command, signed } = signChange("quick.service");
  await path.fleet.publish(signed, [hostId]);
  await path.fleet.repliesTo(command);
  const calls = readFileSync(trace, "utf8").slice(before).split("\n");
  const order = calls.flatMap((call) =>
    call.includes("fdatasync") ? ["sync"] : call.includes("/notes") ? ["change"] : [],
  );
  expect(order.indexOf("change")).toBeGreaterThan(order.indexOf("sync"));
  expect(order.indexOf("sync")).toBe(0);
  expect(order.lastIndexOf("sync")).toBeGreaterThan(order.indexOf("change"));
  await killChild(child);
});
