import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { ListServicesRequestSchema } from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { ask } from "./ask.js";
import { type AnyEvent, collect } from "./collect.js";
import { eventually } from "./eventually.js";
import { type FleetUnderTest, listServices, services, startFleet } from "./fleet-under-test.js";
import { type Behaviour, hostIdOf, ok } from "./simulated-hosts.js";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

describe("every simulated host answers", () => {
  test("started, progress, finished, and a true accounting", async () => {
    fleet = await startFleet();
    await fleet.attach("web-1", "web-2", "db-1");
    const { started, run, accounting } = await collect(ask(fleet));
    expect(started).toMatchObject({ runId: run.runId, targeted: 3 });
    expect(accounting).toMatchObject({ targeted: 3, ok: 3, queued: 0, noAnswer: 0 });
    expect(run).toMatchObject({ method: listServices, selector: "all", principal: "local", revision: 1, planHash: "" });
    expect(run.finishedAt).toBeDefined();
  });

  test("the command is for the frozen hosts alone, with the operation's request and a shorter deadline", async () => {
    fleet = await startFleet();
    await fleet.attach("web-1", "web-2", "db-1");
    const request = toBinary(ListServicesRequestSchema, create(ListServicesRequestSchema, { limit: 7 }));
    const method = listServices;
    await collect(fleet.client.run({ selector: "web-2, web-1", method, request, timeout: { seconds: 5n } }));
    expect(fleet.hosts.invoked.map(({ hostId }) => hostId).sort()).toEqual(
      [hostIdOf("web-1"), hostIdOf("web-2")].sort(),
    );
    const [command] = fleet.hosts.commands;
    const invocation = command?.action.case === "invocation" ? command.action.value : undefined;
    expect(fromBinary(ListServicesRequestSchema, invocation?.request as Uint8Array).limit).toBe(7);
    expect(invocation).toMatchObject({ method, timeoutMilliseconds: 4500 });
    expect(invocation?.grant).toBeUndefined();
  });

  test("progress comes when something changed, at most every 100 ms", async () => {
    let told = 0;
    const noting = async function* <Event extends AnyEvent>(stream: AsyncIterable<Event>) {
      for await (const event of stream) {
        if (event.event.case === "progress") told++;
        yield event;
      }
    };
    // Four hosts at once, each four when it was told of those before them.
    const late: Behaviour = async (call) => {
      const number = Number(call.name.slice(2));
      await eventually(() => expect(told).toBeGreaterThanOrEqual(Math.floor(number / 4)));
      await sleep((number % 4) * 30);
      await call.reply(ok(services("a.service")));
    };
    fleet = await startFleet({ usual: (call) => void late(call) });
    await fleet.attach(...Array.from({ length: 12 }, (_, index) => `h-${index}`));
    const began = performance.now();
    const { progress } = await collect(noting(ask(fleet)));
    const most = Math.ceil((performance.now() - began) / 100);
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.length).toBeLessThanOrEqual(most);
    const counts = progress.map(({ accounting }) => accounting?.ok ?? 0);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });
});

test("two thousand simulated hosts are all accounted for", async () => {
  fleet = await startFleet();
  const names = Array.from({ length: 2_000 }, (_, index) => `h-${index}`);
  for (const name of names) await fleet.hosts.attach(name);
  await eventually(async () => expect((await fleet.client.findHosts({ selector: "all" })).matchedCount).toBe(2_000));
  const began = performance.now();
  const { accounting } = await collect(ask(fleet, "all", 30));
  console.log(`2,000 simulated hosts answered in ${(performance.now() - began).toFixed(0)} ms`);
  expect(accounting).toMatchObject({ targeted: 2_000, ok: 2_000 });
});
