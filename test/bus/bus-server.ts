// BusService on a real loopback server in front of an embedded bus, and remote buses that dial it.
import type { Bus, BusOptions } from "../../services/bus/bus.js";
import { openBus } from "../../services/bus/open-bus.js";
import { addBusService, type ServeBusOptions } from "../../services/bus/serve-bus.js";
import { BusService } from "../../services/gen/systemsmanager/bus/v1/bus_service_pb.js";
import { authenticateRequests } from "../../services/identity/authenticate.js";
import { tokenAuthenticator } from "../../services/identity/principal.js";
import { startGrpcServer } from "../../services/shared/grpc-server.js";
import { testLog } from "../daemon/test-path.js";

export const token = "the relay's token";

const topics = ["commands", "replies", "presence"] as const;

export interface BusServer {
  readonly url: string;
  /** The bus behind it. */
  readonly bus: Bus;
  close(): Promise<void>;
}

/** Port 0 takes a free one. */
export async function startBusServer(
  options: BusOptions = {},
  port = 0,
  serve: Partial<ServeBusOptions> = {},
): Promise<BusServer> {
  const bus = await openBus({ kind: "embedded", ...options });
  const everything = { publish: topics, subscribe: topics };
  const server = await startGrpcServer({
    listen: { host: "127.0.0.1", port },
    routes: (router) => addBusService(router, bus, { permissions: everything, ...serve }),
    services: [BusService],
    authenticate: authenticateRequests(tokenAuthenticator(token, { name: "relay" })),
    log: testLog,
  });
  return {
    url: server.url,
    bus,
    async close() {
      await server.close();
      await bus.close();
    },
  };
}

export function dialBus(url: string, options: BusOptions = {}): Promise<Bus> {
  return openBus({ kind: "remote", url, token, log: testLog, ...options });
}

const opened: { close(): Promise<void> }[] = [];

/** Closed by closeOpened. */
export function closeAtEnd<Part extends { close(): Promise<void> }>(part: Part): Part {
  opened.push(part);
  return part;
}

/** After each test: last opened, first closed. */
export async function closeOpened(): Promise<void> {
  for (const part of opened.splice(0).reverse()) await part.close();
}
