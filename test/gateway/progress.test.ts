// Progress and cancellation, with the client of each era.
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { callWith, eras } from "./clients.js";
import { runId, type SimulatedFleet } from "./simulated-fleet.js";
import { startGateway } from "./start-gateway.js";

const read = { name: "list_services", arguments: { selector: "all" } };
const commit = { name: "commit_change", arguments: { plan_hash: "ab".repeat(32) } };

/** Waits for an rpc to reach the fleet. */
async function untilAsked(fleet: SimulatedFleet, rpc: string): Promise<void> {
  await expect.poll(() => fleet.requests(rpc).length, { timeout: 5_000 }).toBeGreaterThan(0);
}

describe.each(eras)("a client of $era", ({ connect }) => {
  test("gets progress when it asks for it", async () => {
    const { url } = await startGateway();
    const client = await connect(url);
    const seen: unknown[] = [];
    await callWith(client, read, { onprogress: (progress) => seen.push(progress) });
    await client.callTool(read);
    await client.close();
    expect(seen).toEqual([1, 2, 3, 4, 5].map((done) => ({ progress: done, total: 5, message: `${done} of 5 hosts` })));
  });

  test.each([{ call: read }, { call: commit }])(
    "cancels the run of $call.name by cancelling the call",
    async ({ call }) => {
      const { fleet, url } = await startGateway();
      fleet.waitForCancel = true;
      const client = await connect(url, { person: () => ({ action: "accept", content: { confirm: true } }) });
      const cancel = new AbortController();
      const called = callWith(client, call, { signal: cancel.signal });
      const outcome = expect(called).rejects.toThrow();
      await untilAsked(fleet, call === read ? "run" : "commitChange");
      cancel.abort("enough");
      await outcome;
      await untilAsked(fleet, "cancelRun");
      expect(fleet.requests<{ runId: string }>("cancelRun").map((request) => request.runId)).toEqual([runId]);
      await client.close();
    },
  );

  test("has its runs cancelled when the gateway closes", async () => {
    const { fleet, url, server } = await startGateway();
    fleet.waitForCancel = true;
    const client = await connect(url);
    const called = expect(client.callTool(read)).rejects.toThrow();
    await untilAsked(fleet, "run");
    await server.close();
    await untilAsked(fleet, "cancelRun");
    await client.close();
    await called;
  });

  test("cancels a run that has no id yet as soon as it has one", async () => {
    const { fleet, url } = await startGateway();
    let start = () => {};
    fleet.waitForCancel = true;
    fleet.beforeStart = new Promise((resolve) => {
      start = resolve;
    });
    const client = await connect(url);
    const cancel = new AbortController();
    const called = expect(callWith(client, read, { signal: cancel.signal })).rejects.toThrow();
    await untilAsked(fleet, "run");
    cancel.abort("enough");
    await called;
    // Time for the cancellation to reach the gateway; a late one finds a run that waits for it.
    await delay(200);
    expect(fleet.requests("cancelRun")).toEqual([]);
    start();
    await untilAsked(fleet, "cancelRun");
    await client.close();
  });
});
