// systems-manager mcp: MCP on the standard streams, in front of a running control plane or of one of its own.
import { Command } from "commander";
import { defaultStateDirectory } from "./default-state-directory.js";
import type { McpOptions } from "./run-mcp.js";

export const mcp = new Command("mcp")
  .option("--fleet <url>", "control plane to stand in front of; default: the one on this machine, else one of its own")
  .option("--fleet-id <id>", "name of its own fleet", "default")
  .option(
    "--state-dir <directory>",
    "where the token lies, or the state of its own control plane",
    defaultStateDirectory(),
  )
  .action(async (options: McpOptions) => (await import("./run-mcp.js")).runMcp(options));
