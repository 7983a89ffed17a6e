// Options that every verb which talks to a control plane shares.
import type { Command } from "commander";
import { readAddresses } from "./addresses.js";
import { defaultStateDirectory } from "./default-state-directory.js";
import { connectFleet, defaultFleetUrl, type FleetClient } from "./fleet-client.js";

export interface ClientOptions {
  readonly fleet?: string;
  readonly stateDir: string;
  readonly json: boolean;
}

/** Adds --fleet, --state-dir and --json. */
export function addClientOptions(command: Command): Command {
  return command
    .option("--fleet <url>", "control plane to ask; default: the one that runs on this machine")
    .option("--state-dir <directory>", "where the local token lies", defaultStateDirectory())
    .option("--json", "print protobuf JSON instead of text", false);
}

/** The client that the options name. */
export function clientOf(options: ClientOptions): FleetClient {
  return connectFleet(options.fleet ?? localFleetUrl(options.stateDir), options.stateDir);
}

function localFleetUrl(stateDirectory: string): string {
  return readAddresses(stateDirectory)?.grpc ?? defaultFleetUrl;
}
