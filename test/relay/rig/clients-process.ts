// Minimal daemons of the rig, in a process of their own.
import { mapLimited } from "../../../services/shared/map-limited.js";
import type { ClientsOrder, ClientsPlan, ClientsWord } from "./messages.js";
import { attachMinimalClient, type MinimalClient } from "./minimal-client.js";

let clients: MinimalClient[] = [];
const sessions = new Map<string, Buffer>();

const say = (word: ClientsWord) => process.send?.(word);

async function attach(plan: ClientsPlan) {
  const numbered = plan.hostIds.map((hostId, index) => ({ hostId, index }));
  clients = await mapLimited(numbered, plan.concurrency, ({ hostId, index }) =>
    attachMinimalClient(plan, hostId, index, sessions.get(hostId)),
  );
  say({ welcomed: clients.length, resumed: clients.filter(({ resumed }) => resumed).length });
  return numbered;
}

function leave(hostIds: readonly string[]) {
  clients.forEach((client, index) => {
    const session = client.session();
    if (session) sessions.set(hostIds[index] as string, session);
    client.cut();
  });
  say({ left: true });
}

let hostIds: readonly string[] = [];
process.on("message", (order: ClientsOrder) => {
  if ("leave" in order) return leave(hostIds);
  hostIds = order.attach.hostIds;
  void attach(order.attach);
});
process.on("disconnect", () => process.exit());
