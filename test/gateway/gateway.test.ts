import { afterEach, expect, test } from "vitest";
import { createGateway, type HttpServer } from "../../services/gateway/gateway.js";
import { eras } from "./clients.js";
import { simulateFleet } from "./simulated-fleet.js";

let server: HttpServer;
afterEach(() => server.close());

test.each(eras)("$era: lists and calls a read", async ({ connect }) => {
  const fleet = simulateFleet();
  server = await createGateway({ fleetFor: fleet.fleetFor }).serveHttp({
    listen: { host: "127.0.0.1", port: 0 },
    authenticate: () => ({ name: "a" }),
  });
  const client = await connect(server.url);
  const { tools } = await client.listTools();
  expect(tools).toHaveLength(16);
  const result = await client.callTool({ name: "list_services", arguments: { selector: "all" } });
  console.log(JSON.stringify(result, null, 1));
  await client.close();
});
