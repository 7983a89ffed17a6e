// Puts the control plane of one process together: bus, fleet, relay, gateway, and the gRPC server in front of the fleet.
import { writeFileSync } from "node:fs";
import { type ConnectRouter, createClient, type Interceptor } from "@connectrpc/connect";
import type { Bus } from "../bus/bus.js";
import { type OpenBusOptions, openBus } from "../bus/open-bus.js";
import { addBusService, relayPermissions } from "../bus/serve-bus.js";
import { createFleet } from "../fleet/fleet.js";
import { createGateway, type Gateway } from "../gateway/gateway.js";
import { BusService } from "../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { FleetService } from "../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { authenticateRequests } from "../identity/authenticate.js";
import {
  loadOrCreateToken,
  localTokenAuthenticator,
  type Principal,
  principalKey,
  tokenAuthenticator,
} from "../identity/principal.js";
import { loadOrCreateSigningKey, type VerifyingKey } from "../identity/signing-key.js";
import type { Metrics } from "../metrics/metrics.js";
import { type Relay, startRelay } from "../relay/start-relay.js";
import { type GrpcServer, type ListenAddress, startGrpcServer, type TlsIdentity } from "../shared/grpc-server.js";
import { createInProcessTransport } from "../shared/in-process-transport.js";
import { createLogger } from "../shared/log.js";
import { logFaults } from "../shared/log-faults.js";
import { validateRequests } from "../shared/validation.js";
import { traceRpcs } from "../tracing/trace-rpcs.js";
import { type Addresses, forgetAddresses, writeAddresses } from "./addresses.js";
import { openAll } from "./closer.js";
import type { FleetClient } from "./fleet-client.js";
import { lockStateDirectory, statePaths } from "./state-directory.js";

export interface ControlPlaneOptions {
  readonly fleetId: string;
  readonly stateDirectory: string;
  readonly grpc: ListenAddress;
  /** Absent: relays are processes of their own. */
  readonly relay?: ListenAddress;
  /** Absent: MCP is served on the standard streams alone. */
  readonly mcp?: ListenAddress;
  /** The fleet's bus; absent: one within this process. */
  readonly openBus?: OpenBusOptions;
  /** Number of this control plane among those on the fleet's bus: the partition of the replies topic that it owns. */
  readonly instance?: number;
  /** Where to serve the bus to relays of other processes. */
  readonly bus?: ListenAddress;
  /** For the relay and the bus; without it daemons attach in plain text. */
  readonly tls?: TlsIdentity;
  /** Stays the caller's. */
  readonly metrics?: Metrics;
}

/** A control plane at work. */
export interface ControlPlane {
  readonly addresses: Addresses;
  readonly token: string;
  readonly verifyingKey: VerifyingKey;
  readonly gateway: Gateway;
  /** A client that acts in this principal's name, within the process. */
  fleetFor(principal: Principal): FleetClient;
  close(): Promise<void>;
}

/** Resolves when everything listens. STORAGE_FAILED when another process uses the state directory; UNREACHABLE for a port. */
export function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { fleetId, stateDirectory, metrics } = options;
  const observers = [traceRpcs, ...(metrics ? [metrics.rpcs] : [])];
  const paths = statePaths(stateDirectory);
  return openAll(async (closer) => {
    closer.add(await lockStateDirectory(stateDirectory));
    const signingKey = loadOrCreateSigningKey(paths.signingKey);
    writeFileSync(paths.verifyingKey, signingKey.verifyingKey.pem);
    const token = loadOrCreateToken(paths.token);
    const authenticate = localTokenAuthenticator(token);

    const bus = closer.add(await openBus(options.openBus ?? { kind: "embedded" }));
    const fleet = closer.add(
      await createFleet({
        bus,
        fleetId,
        signingKey,
        stateDirectory: paths.fleet,
        log: createLogger("fleet"),
        ...(options.instance === undefined ? {} : { replyPartition: options.instance }),
      }),
    );
    const relay = options.relay && closer.add(await startOwnRelay(bus, options.relay, options));
    metrics?.show({ bus, fleet, relay });
    const fleetFor = clientsInProcess(fleet.routes, observers);
    const gateway = createGateway({ fleetFor, ...(metrics ? { observer: metrics.toolCalls } : {}) });
    const grpc = closer.add(
      await startGrpcServer({
        listen: options.grpc,
        routes: fleet.routes,
        services: [FleetService],
        authenticate: authenticateRequests(authenticate),
        observers,
        log: createLogger("grpc"),
      }),
    );
    const busServer = options.bus && closer.add(await serveBus(bus, options.bus, options));
    const mcp = options.mcp && closer.add(await gateway.serveHttp({ listen: options.mcp, authenticate }));
    const addresses = {
      grpc: grpc.url,
      ...(relay ? { relay: relay.url } : {}),
      ...(mcp ? { mcp: mcp.url } : {}),
      ...(busServer ? { bus: busServer.url } : {}),
    };
    writeAddresses(stateDirectory, addresses);
    closer.add({ close: async () => forgetAddresses(stateDirectory) });
    return { addresses, token, verifyingKey: signingKey.verifyingKey, gateway, fleetFor, close: closer.close };
  });
}

function startOwnRelay(bus: Bus, listen: ListenAddress, { fleetId, tls }: ControlPlaneOptions): Promise<Relay> {
  return startRelay({ bus, fleetId, listen, log: createLogger("relay"), ...(tls ? { tls } : {}) });
}

// A server and a credential of its own: whoever has that of a relay reaches the bus and nothing else.
function serveBus(bus: Bus, listen: ListenAddress, options: ControlPlaneOptions): Promise<GrpcServer> {
  const token = loadOrCreateToken(statePaths(options.stateDirectory).relayToken);
  return startGrpcServer({
    listen,
    routes: (router) => addBusService(router, bus, { permissions: relayPermissions }),
    services: [BusService],
    authenticate: authenticateRequests(tokenAuthenticator(token, { name: "relay" })),
    observers: options.metrics ? [options.metrics.rpcs] : [],
    log: createLogger("bus"),
    ...(options.tls ? { tls: options.tls } : {}),
  });
}

/** Clients of the fleet's routes in this process, one for each principal. */
function clientsInProcess(
  routes: (router: ConnectRouter) => void,
  observers: readonly Interceptor[],
): (principal: Principal) => FleetClient {
  const clients = new Map<string, FleetClient>();
  const log = createLogger("fleet");
  return (principal) => {
    const known = clients.get(principal.name);
    if (known) return known;
    const interceptors = [...observers, logFaults(log), actAs(principal), validateRequests];
    const client = createClient(FleetService, createInProcessTransport(routes, interceptors));
    clients.set(principal.name, client);
    return client;
  };
}

function actAs(principal: Principal): Interceptor {
  return (next) => (request) => {
    request.contextValues.set(principalKey, principal);
    return next(request);
  };
}
