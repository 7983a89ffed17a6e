// A gateway over HTTP on a free port, in front of a simulated fleet, for two people with a token each.
import { onTestFinished } from "vitest";
import { createGateway, type HttpOptions, type HttpServer } from "../../services/gateway/gateway.js";
import type { Authenticator } from "../../services/identity/principal.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { type SimulatedFleet, simulateFleet } from "./simulated-fleet.js";

/** "alice-token" is alice's, "bob-token" is bob's. */
export const authenticate: Authenticator = (authorization) => {
  const name = /^Bearer (alice|bob)-token$/.exec(authorization ?? "")?.[1];
  if (name !== undefined) return { name };
  throw failure(ErrorReason.UNAUTHENTICATED, "the credential is not valid", { metadata: { scheme: "bearer" } });
};

/** Starts one for this test; it stops by itself when the test is over. */
export async function startGateway(
  options: Partial<HttpOptions> = {},
  fleet: SimulatedFleet = simulateFleet(),
): Promise<{ fleet: SimulatedFleet; server: HttpServer; url: string }> {
  const gateway = createGateway({ fleetFor: fleet.fleetFor });
  const server = await gateway.serveHttp({ listen: { host: "127.0.0.1", port: 0 }, authenticate, ...options });
  onTestFinished(() => server.close());
  return { fleet, server, url: server.url };
}

/** The text of a tool result. */
export function textOf(result: unknown): string {
  const { content } = result as { content: { type: string; text?: string }[] };
  return content.map(({ text }) => text ?? "").join("\n");
}

/** The structured content of a tool result. */
export function structureOf(result: unknown): Record<string, unknown> {
  return (result as { structuredContent: Record<string, unknown> }).structuredContent;
}
