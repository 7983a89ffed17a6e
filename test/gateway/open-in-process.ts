// A gateway without a network, whose person agrees to everything.
import { createGateway } from "../../services/gateway/gateway.js";
import { connectInProcess } from "./clients.js";
import { simulateFleet } from "./simulated-fleet.js";

/** What the person says to everything that is asked. */
export const accept = () => ({ action: "accept" as const, content: { confirm: true } });

/** A client in the same process, and the fleet behind its gateway. */
export async function openInProcess() {
  const fleet = simulateFleet();
  const client = await connectInProcess(createGateway({ fleetFor: fleet.fleetFor }), "2026-07-28", { person: accept });
  return { fleet, client };
}
