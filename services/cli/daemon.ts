// systems-manager daemon --relay URL --fleet-key FILE: one host's part of the fleet, until a signal ends it.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { startDaemon } from "../daemon/start-daemon.js";
import { loadOrCreateToken } from "../identity/principal.js";
import { verifyingKeyFromPem } from "../identity/signing-key.js";
import { getOSProvider } from "../providers/get-os-provider.js";
import type { ListenAddress } from "../shared/grpc-server.js";
import { createLogger } from "../shared/log.js";
import { collect, collectLabel, parseListenAddress } from "./arguments.js";
import { runUntilSignal } from "./run-until-signal.js";
import { defaultStateDirectory, statePaths } from "./state-directory.js";

interface DaemonOptions {
  readonly relay: string[];
  readonly fleetKey: string;
  readonly fleetId: string;
  readonly name?: string;
  readonly label: Record<string, string>;
  readonly listen?: ListenAddress;
  readonly relayCa?: string;
  readonly stateDir: string;
}

export const daemon = new Command("daemon")
  .description("attach this host to a fleet and carry out its signed commands")
  .requiredOption("--relay <url>", "relay to dial; may be repeated", collect, [])
  .requiredOption(
    "--fleet-key <file>",
    "PEM public key that commands are verified with (fleet.pub of the control plane)",
  )
  .option("--fleet-id <id>", "fleet whose commands to take", "default")
  .option("--name <name>", "name in the fleet; default: the host name")
  .option("--label <key=value>", "label for selectors; may be repeated", collectLabel, {})
  .option(
    "--listen <address>",
    "also answer direct gRPC clients here, with the state directory's token",
    parseListenAddress,
  )
  .option("--relay-ca <file>", "PEM certificates to trust for https relays")
  .option("--state-dir <directory>", "journal, replay memory and token", defaultStateDirectory())
  .action(async (options: DaemonOptions) => {
    const log = createLogger("daemon");
    const provider = await getOSProvider({ log });
    const paths = statePaths(options.stateDir);
    const running = await startDaemon({
      provider,
      relayUrls: options.relay,
      fleetId: options.fleetId,
      verifyingKey: verifyingKeyFromPem(readFileSync(options.fleetKey, "utf8")),
      stateDirectory: paths.daemon,
      labels: options.label,
      log,
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.listen ? { listen: { ...options.listen, token: loadOrCreateToken(paths.token) } } : {}),
      ...(options.relayCa === undefined ? {} : { tls: { ca: readFileSync(options.relayCa) } }),
    });
    await runUntilSignal(async () => {
      await running.close();
      await provider.close();
    });
  });
