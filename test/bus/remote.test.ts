// The remote bus: the contract over a real loopback server, and what happens when that server goes.
import type { BusOptions } from "../../services/bus/bus.js";
import { testBusContract } from "../contract/bus.js";
import { dialBus, startBusServer } from "./bus-server.js";

testBusContract("remote", async (options: BusOptions = {}) => {
  const server = await startBusServer(options);
  const bus = await dialBus(server.url, options);
  return {
    ...bus,
    async close() {
      await bus.close();
      await server.close();
    },
  };
});
