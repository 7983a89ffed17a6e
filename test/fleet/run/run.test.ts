import { afterEach, expect, test } from "vitest";
import { type FleetUnderTest, listServices, startFleet } from "./fleet-under-test.js";

let fleet: FleetUnderTest;

afterEach(() => fleet.close());

test("a read of three simulated hosts gives started, finished and a true accounting", async () => {
  fleet = await startFleet();
  await fleet.attach("web-1", "web-2", "db-1");
  const events = [];
  for await (const { event } of fleet.client.run({ selector: "all", method: listServices })) events.push(event);
  expect(events[0]).toMatchObject({ case: "started", value: { targeted: 3 } });
  expect(events.at(-1)).toMatchObject({
    case: "finished",
    value: { run: { accounting: { targeted: 3, ok: 3, queued: 0 } } },
  });
});
