// A whole control plane on a real embedded bus and a real state directory, with a generated client in front of it and
// simulated hosts behind it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Client, createClient, createRouterTransport, type Interceptor } from "@connectrpc/connect";
import { expect } from "vitest";
import type { Bus } from "../../../services/bus/bus.js";
import { openEmbeddedBus } from "../../../services/bus/embedded/open-embedded-bus.js";
import { createFleet, type Fleet, type FleetOptions } from "../../../services/fleet/fleet.js";
import { FleetService } from "../../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { ListServicesResponseSchema } from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { principalKey } from "../../../services/identity/principal.js";
import { generateSigningKey, type SigningKey } from "../../../services/identity/signing-key.js";
import { createLogger } from "../../../services/shared/log.js";
import { validateRequests } from "../../../services/shared/validation.js";
import { traceRpcs } from "../../../services/tracing/trace-rpcs.js";
import { eventually } from "./eventually.js";
import { type Behaviour, ok, type SimulatedHosts, simulateHosts } from "./simulated-hosts.js";

export const listServices = "systemsmanager.telemetry.v1.TelemetryService/ListServices";

export type FleetClient = Client<typeof FleetService>;

export interface FleetUnderTest {
  readonly bus: Bus;
  readonly signingKey: SigningKey;
  readonly hosts: SimulatedHosts;
  /** FleetService of the control plane that runs now. */
  readonly routes: Fleet["routes"];
  /** Of the control plane that runs now. */
  counters: Fleet["counters"];
  gauges: Fleet["gauges"];
  /** Acts for the principal "local". */
  readonly client: FleetClient;
  clientOf(principal: string): FleetClient;
  /** Closes the control plane, not the bus, and starts another one on the same state. */
  restart(options?: Partial<FleetOptions>): Promise<void>;
  /** Attaches hosts and waits until the control plane knows them. */
  attach(...names: string[]): Promise<void>;
  /** Detaches a host and waits until the control plane knows it. */
  detach(name: string): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** Services that a simulated host answers with, all active. */
export function services(...names: string[]): Uint8Array {
  const response = create(ListServicesResponseSchema, { services: names.map((name) => ({ name, activeState: 1 })) });
  return toBinary(ListServicesResponseSchema, response);
}

/** Answers at once with one service. */
export const answers: Behaviour = (call) => call.reply(ok(services("nginx.service")));

/** Says nothing. */
export const silence: Behaviour = () => {};

export async function startFleet(options: Partial<FleetOptions> & { usual?: Behaviour } = {}): Promise<FleetUnderTest> {
  const { usual = answers, ...fleetOptions } = options;
  const bus = openEmbeddedBus();
  const signingKey = generateSigningKey();
  const stateDirectory = mkdtempSync(join(tmpdir(), "fleet-test-"));
  const hosts = await simulateHosts(bus, signingKey.verifyingKey, usual);
  const open = (more: Partial<FleetOptions> = {}) =>
    createFleet({
      bus,
      fleetId: "test",
      signingKey,
      stateDirectory,
      log: createLogger("fleet-test"),
      patience: { detachGraceMs: 100, changeGraceMs: 300, relayGraceMs: 300 },
      ...fleetOptions,
      ...more,
    });
  let fleet: Fleet | undefined = await open();
  const current = () => fleet as Fleet;
  const client = clientOf(current, "local");
  const knows = async (name: string, online: boolean) => {
    await eventually(async () => {
      const { hosts: found } = await client.findHosts({ selector: name });
      expect(found[0]?.online).toBe(online);
    });
  };
  const stop = async () => {
    await fleet?.close();
    fleet = undefined;
  };
  return {
    bus,
    signingKey,
    hosts,
    counters: () => current().counters(),
    gauges: () => current().gauges(),
    routes: (router) => (fleet as Fleet).routes(router),
    client,
    clientOf: (principal) => clientOf(current, principal),
    restart: async (more) => {
      await stop();
      fleet = await open(more);
    },
    attach: async (...names) => {
      for (const name of names) await hosts.attach(name);
      for (const name of names) await knows(name, true);
    },
    detach: async (name) => {
      await hosts.detach(name);
      await knows(name, false);
    },
    stop,
    close: async () => {
      await stop();
      await hosts.close();
      await bus.close();
      rmSync(stateDirectory, { recursive: true });
    },
  };
}

/** A client of the fleet; what is behind it can change with a restart, so the transport is made anew for each call. */
export function clientOf(fleet: () => Fleet, principal: string): FleetClient {
  const identify: Interceptor = (next) => (request) => {
    request.contextValues.set(principalKey, { name: principal });
    return next(request);
  };
  const transport = () =>
    createRouterTransport(fleet().routes, { router: { interceptors: [traceRpcs, identify, validateRequests] } });
  return createClient(FleetService, {
    unary: (...call) => transport().unary(...call),
    stream: (...call) => transport().stream(...call),
  });
}
