// A daemon killed in the middle of a change says so when it is back, and never runs the change again. The daemon is a real
// process, killed with SIGKILL.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
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
  path = await openTestPath();
  directory = path.makeDirectory();
  writeFileSync(join(directory, "fleet.pub"), path.fleet.key.verifyingKey.pem);
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await path.close();
});

function childProgram(): string {
  return join(compiled, "test/daemon/crashing-daemon.js");
}

function noted(): string[] {
  const file = join(directory, "notes");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
}

async function startChild(): Promise<ChildProcess> {
  const args = [path.relay.url, join(directory, "fleet.pub"), join(directory, "state"), join(directory, "notes")];
  const child = spawn(process.execPath, [childProgram(), ...args], { stdio: ["ignore", "inherit", "inherit"] });
  children.push(child);
  await path.fleet.presenceOf(hostId, true);
  return child;
}

async function killChild(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
  await path.fleet.presenceOf(hostId, false);
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
  await killChild(second);

  await startChild();
  await path.fleet.publish(other.signed, [hostId]);
  const [, again] = await path.fleet.repliesTo(other.command, 2);
  expect(again).toMatchObject({ outcome: ReplyOutcome.OK, fromJournal: true });
  // What was reported once is not reported unasked again.
  expect(path.fleet.replies.filter(({ commandId }) => commandId === command.commandId).length).toBe(2);
  expect(noted()).toEqual(["hang.service", "quick.service"]);
});

test("killed after DONE: the stored result, and not run twice", async () => {
  const first = await startChild();
  const { command, signed } = signChange("quick.service");
  await path.fleet.publish(signed, [hostId]);
  const [reply] = await path.fleet.repliesTo(command);
  await killChild(first);
  await startChild();
  await path.fleet.publish(signed, [hostId]);
  const [, again] = await path.fleet.repliesTo(command, 2);
  expect(again).toEqual({ ...reply, fromJournal: true });
  expect(noted()).toEqual(["quick.service"]);
});
