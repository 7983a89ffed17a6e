#!/usr/bin/env node
// The one binary. A verb is one file here.
import { ConnectError } from "@connectrpc/connect";
import { Command } from "commander";
import { errorDetailOf, reasonName } from "../shared/errors.js";
import { productVersion } from "../shared/version.js";
import { ask } from "./ask.js";
import { change } from "./change.js";
import { commit } from "./commit.js";
import { daemon } from "./daemon.js";
import { emulate } from "./emulate.js";
import { forget } from "./forget.js";
import { hosts } from "./hosts.js";
import { mcp } from "./mcp.js";
import { open } from "./open.js";
import { relay } from "./relay.js";
import { resume } from "./resume.js";
import { cancel, runs } from "./runs.js";
import { up } from "./up.js";

const program = new Command("systems-manager")
  .description("Ask or change one machine or ten thousand, and get one short, true, complete summary back.")
  .version(productVersion);
for (const verb of [up, hosts, forget, ask, change, commit, resume, open, runs, cancel, mcp, daemon, relay, emulate])
  program.addCommand(verb);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConnectError)) throw error;
  console.error(`${reasonName(errorDetailOf(error).reason)}: ${error.rawMessage}`);
  process.exitCode = 1;
}
