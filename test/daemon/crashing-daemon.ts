// A whole daemon as a process of its own, with a simulated provider: its changes note that they began in a file, and those of
// units named "hang…" never end. Arguments: relay URL, public key file, state directory, note file.
import { appendFileSync, readFileSync } from "node:fs";
import { pino } from "pino";
import { startDaemon } from "../../services/daemon/start-daemon.js";
import { verifyingKeyFromPem } from "../../services/identity/signing-key.js";
import { fleetId } from "../relay/simulated-fleet.js";
import { simulatedProvider } from "./simulated-provider.js";

const [relayUrl, keyFile, stateDirectory, noteFile] = process.argv.slice(2) as [string, string, string, string];

const provider = simulatedProvider("crashing", {
  manageService: async (request: { name: string }) => {
    appendFileSync(noteFile, `${request.name}\n`);
    if (request.name.startsWith("hang")) await new Promise(() => undefined);
    return { changes: [{ subject: request.name }] };
  },
});

await startDaemon({
  provider,
  relayUrls: [relayUrl],
  fleetId,
  verifyingKey: verifyingKeyFromPem(readFileSync(keyFile, "utf8")),
  stateDirectory,
  name: "crashing",
  log: pino({ level: "silent" }),
  backoff: { firstMs: 20, longestMs: 200, stableMs: 60_000 },
});
