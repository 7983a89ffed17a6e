// What every Bus promises. Each implementation runs this suite unchanged, over topics of its own for every test.
import { afterEach, describe } from "vitest";
import type { Bus, BusOptions } from "../../services/bus/bus.js";
import { testCatchingUp } from "./bus-catch-up.js";
import { testDelivery } from "./bus-deliver.js";
import { testPublishing } from "./bus-publish.js";
import { testRedelivery } from "./bus-redeliver.js";

/** Opens a bus over empty topics. */
export type OpenBusUnderTest = (options?: BusOptions) => Promise<Bus>;

/** Registers the suite. */
export function testBusContract(kind: string, open: OpenBusUnderTest): void {
  describe(`bus contract: ${kind}`, () => {
    const openedBuses: Bus[] = [];

    async function openForTest(options?: BusOptions): Promise<Bus> {
      const bus = await open(options);
      openedBuses.push(bus);
      return bus;
    }

    afterEach(async () => {
      await Promise.all(openedBuses.splice(0).map((opened) => opened.close()));
    });

    for (const testPart of [testPublishing, testDelivery, testRedelivery, testCatchingUp]) testPart(openForTest);
  });
}
