// A connection over a pair of streams, for the client of each era.
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { createGateway } from "../../services/gateway/gateway.js";
import { waitFor } from "../shared/wait-for.js";
import { connectInProcess } from "./clients.js";
import { planHash, simulateFleet } from "./simulated-fleet.js";
import { structureOf } from "./start-gateway.js";

describe.each(["2026-07-28", "2025-11-25"] as const)("a client of %s over stdio", (era) => {
  test("lists the tools, calls one in its principal's name and gets failures as results", async () => {
    const fleet = simulateFleet();
    const client = await connectInProcess(createGateway({ fleetFor: fleet.fleetFor }), era, { principal: "carol" });
    expect((await client.listTools()).tools).toHaveLength(18);
    const good = await client.callTool({ name: "find_hosts", arguments: { selector: "all" } });
    const bad = await client.callTool({ name: "find_hosts", arguments: {} });
    expect(structureOf(good)).toMatchObject({ matched_count: 3 });
    expect(structureOf(bad)).toMatchObject({ reason: "INVALID_ARGUMENT" });
    expect(fleet.asked.map(({ principal }) => principal)).toEqual(["carol"]);
    await client.close();
  });
});

test("the end of the input ends the connection and cancels what runs", async () => {
  const fleet = simulateFleet();
  fleet.waitForCancel = true;
  const [input, output] = [new PassThrough(), new PassThrough()];
  const connection = createGateway({ fleetFor: fleet.fleetFor }).serveStdio({
    principal: { name: "carol" },
    input,
    output,
  });
  const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const clientInfo = { name: "raw", version: "1" };
  send({ id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo } });
  send({ method: "notifications/initialized" });
  send({ id: 2, method: "tools/call", params: { name: "commit_change", arguments: { plan_hash: planHash } } });
  send({ id: 3, method: "tools/call", params: { name: "list_services", arguments: { selector: "all" } } });
  await waitFor(() => fleet.requests("run").length === 1, "the run");
  input.end();
  await connection.closed;
  await waitFor(() => fleet.requests("cancelRun").length === 1, "its cancellation");
  expect(fleet.requests("commitChange")).toEqual([]);
  await connection.close();
});
