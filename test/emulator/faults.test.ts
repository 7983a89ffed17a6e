// Each fault shows in the counters, and none breaks the accounting: whatever is lost, doubled or killed, a host carries out a change at
// most once, never less than it says, and says the same whenever it is asked.
import { afterEach, describe, expect, test } from "vitest";
import type { EmulatorCounters } from "../../services/emulator/emulator-counters.js";
import { noFaults, parseFaults } from "../../services/emulator/faults/fault-set.js";
import { type Reply, ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ErrorReason } from "../../services/shared/errors.js";
import { snapshotMethod } from "../relay/simulated-fleet.js";
import { waitFor } from "../shared/wait-for.js";
import { type EmulatorUnderTest, heartbeatIntervalMs, openEmulator } from "./open-emulator.js";

const count = 20;
let emulator: EmulatorUnderTest;

afterEach(() => emulator.close());

function setFaults(text: string): void {
  emulator.hosts.setFaults(parseFaults(text));
}

// Asks until every host has answered the command, as the control plane does with hosts that come back.
async function settle(command: Awaited<ReturnType<EmulatorUnderTest["sendChange"]>>): Promise<Map<string, Reply[]>> {
  const { path } = emulator;
  emulator.hosts.setFaults(noFaults);
  await waitFor(() => emulator.hosts.counters().attached === count, "all hosts to be back");
  await emulator.sendAgain(command);
  const answered = () => path.fleet.replies.filter(({ commandId }) => commandId === command.commandId);
  await waitFor(() => new Set(answered().map(({ hostId }) => hostId)).size === count, "an answer of every host");
  return new Map(emulator.hostIds.map((id) => [id, answered().filter(({ hostId }) => hostId === id)]));
}

describe("a change under", () => {
  test.each<[string, keyof EmulatorCounters]>([
    ["drop=0.4", "faultDrops"],
    ["duplicate=0.6", "faultDuplicates"],
    ["reorder=0.6", "faultReorders"],
    ["delay=1ms..80ms", "faultDelays"],
    ["disk-full=0.4", "faultsOfDisk"],
    ["refuse=0.5", "faultRefusals"],
    ["kill=0.5/s,work=10ms..300ms,down=50ms..100ms", "kills"],
    ["crash=0.5,down=50ms..100ms", "kills"],
    ["drop=0.1,duplicate=0.3,reorder=0.3,delay=1ms..50ms,crash=0.2,disk-full=0.1,down=50ms..100ms", "kills"],
  ])("%s is carried out at most once, and once by who says so", async (faults, counter) => {
    emulator = await openEmulator(count);
    setFaults(faults);
    const command = await emulator.sendChange();
    await new Promise((resolve) => setTimeout(resolve, 400));
    await emulator.sendAgain(command);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const replies = await settle(command);
    expect(emulator.hosts.counters()[counter]).toBeGreaterThan(0);
    for (const hostId of emulator.hostIds) {
      const executions = emulator.executions().filter((execution) => execution.hostId === hostId);
      const first = replies.get(hostId)?.[0]?.outcome;
      expect(executions.length, `${hostId}: ${first}`).toBeLessThanOrEqual(1);
      if (first === ReplyOutcome.OK) expect(executions.length, `${hostId} said OK`).toBe(1);
      if (first === ReplyOutcome.FAILED) expect(executions.length, `${hostId} said FAILED`).toBe(0);
    }
  });
});

test("killed right behind a change: INDETERMINATE, and carried out once", async () => {
  emulator = await openEmulator(count);
  setFaults("crash=1,down=50ms..100ms");
  const command = await emulator.sendChange();
  const replies = await emulator.path.fleet.repliesTo(command, count);
  expect(replies.every(({ outcome }) => outcome === ReplyOutcome.INDETERMINATE)).toBe(true);
  expect(emulator.executions().length).toBe(count);
  expect(emulator.hosts.counters().kills).toBe(count);
});

test("on a full disk a change is refused before it is carried out, and stays refused when there is room again", async () => {
  emulator = await openEmulator(count);
  setFaults("disk-full=1");
  const command = await emulator.sendChange();
  const replies = await emulator.path.fleet.repliesTo(command, count);
  expect(replies.every(({ error }) => error?.reason === ErrorReason.STORAGE_FAILED)).toBe(true);
  setFaults("");
  await emulator.sendAgain(command);
  const again = (await emulator.path.fleet.repliesTo(command, 2 * count)).slice(count);
  expect(again.every(({ outcome }) => outcome === ReplyOutcome.FAILED)).toBe(true);
  expect(emulator.executions()).toEqual([]);
});

test.each([
  ["skew=120s", "ahead", ErrorReason.COMMAND_EXPIRED],
  ["skew=-120s", "behind", ErrorReason.COMMAND_EXPIRED],
])("%s: hosts whose clocks are far %s refuse commands by their times", async (faults, _, reason) => {
  emulator = await openEmulator(count);
  setFaults(faults);
  const command = await emulator.path.fleet.send(emulator.hostIds, { method: snapshotMethod });
  const replies = await emulator.path.fleet.repliesTo(command, count);
  expect(new Set(replies.map(({ error }) => error?.reason))).toEqual(new Set([reason]));
});

test("stall: hosts that do not read stay attached, answer nothing, and answer when they read again", async () => {
  emulator = await openEmulator(count);
  setFaults("stall=1");
  const command = await emulator.path.fleet.send(emulator.hostIds, { method: snapshotMethod });
  await new Promise((resolve) => setTimeout(resolve, 4 * heartbeatIntervalMs));
  expect(emulator.path.fleet.replies).toEqual([]);
  expect(emulator.hosts.counters().attached).toBe(count);
  setFaults("");
  await emulator.path.fleet.repliesTo(command, count);
});
