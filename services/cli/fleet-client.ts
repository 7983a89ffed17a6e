// The command line's way to a running control plane: the generated client over gRPC with the local token.
import { readFileSync } from "node:fs";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { FleetService } from "../gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import type { Principal } from "../identity/principal.js";
import { bearer } from "../shared/bearer.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { statePaths } from "./state-directory.js";

/** Who acts at this machine's command line. */
export const localPrincipal: Principal = { name: "local" };

export type FleetClient = Client<typeof FleetService>;

/** Where `systems-manager up` listens unless told otherwise. */
export const defaultFleetUrl = "http://127.0.0.1:7601";

/** A client of the control plane at this URL, with the token from SYSTEMS_MANAGER_TOKEN or the state directory. */
export function connectFleet(url: string, stateDirectory: string): FleetClient {
  const token = process.env.SYSTEMS_MANAGER_TOKEN ?? readToken(statePaths(stateDirectory).token);
  return createClient(FleetService, createGrpcTransport({ baseUrl: url, interceptors: [bearer(token)] }));
}

function readToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw failure(ErrorReason.UNAUTHENTICATED, `no token can be read at ${path}`, {
      metadata: { scheme: "bearer" },
      remedy: "start `systems-manager up` first, or give its --state-dir, or set SYSTEMS_MANAGER_TOKEN",
      cause,
    });
  }
}
