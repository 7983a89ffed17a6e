// A change that was done is answered with its result, even when the redelivery comes after its expiry: that is truer than
// "expired". Relays skip expired commands, so the command runner is asked directly, on a real journal.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { createDaemonCounters } from "../../services/daemon/daemon-counters.js";
import { openJournal } from "../../services/daemon/journal.js";
import { createCommandRunner } from "../../services/daemon/run-command.js";
import { type Reply, ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ManageServiceRequestSchema, ServiceAction } from "../../services/gen/systemsmanager/mutation/v1/service_pb.js";
import { createOperationRunner } from "../../services/providers/operation-runner.js";
import { ErrorReason } from "../../services/shared/errors.js";
import { createCommand, manageServiceMethod } from "../relay/simulated-fleet.js";
import { expectFailure } from "./expect-failure.js";
import { hostIdOf, simulatedProvider } from "./simulated-provider.js";
import { testLog } from "./test-path.js";

test("a done change keeps its result past its expiry; one that comes too late is EXPIRED and does not run", async () => {
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-journal-"));
  const journal = await openJournal(directory);
  const hostId = hostIdOf("one");
  let ran = 0;
  const provider = simulatedProvider("one", {
    manageService: async () => {
      ran++;
      return {};
    },
  });
  const replies: Reply[] = [];
  let now = Date.now();
  const runner = createOperationRunner(provider, testLog);
  const send = (reply: Reply) => void replies.push(reply);
  const commands = createCommandRunner({
    hostId,
    runner,
    journal,
    send,
    counters: createDaemonCounters(),
    log: testLog,
    clock: () => now,
  });
  const schema = ManageServiceRequestSchema;
  const request = toBinary(schema, create(schema, { name: "a.service", action: ServiceAction.STOP }));
  const grant = { planHash: new Uint8Array(32), principal: "tester" };
  const invocation = { method: manageServiceMethod, request, grant };

  const soon = now + 200;
  const done = createCommand([hostId], invocation, { expiresAt: timestampFromMs(soon) });
  await commands.run(done);
  now = soon + 1;
  await commands.run(done);
  expect(replies.map(({ outcome, fromJournal }) => [outcome, fromJournal])).toEqual([
    [ReplyOutcome.OK, false],
    [ReplyOutcome.OK, true],
  ]);

  await commands.run(createCommand([hostId], invocation, { expiresAt: timestampFromMs(soon) }));
  expectFailure(replies[2], ReplyOutcome.EXPIRED, ErrorReason.COMMAND_EXPIRED);
  expect(ran).toBe(1);
  await journal.close();
  rmSync(directory, { recursive: true });
});
