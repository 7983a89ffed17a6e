// systems-manager mcp: MCP on the standard streams, in front of a running control plane or of one of its own.
import { Command } from "commander";
import type { McpOptions } from "./run-mcp.js";
import { defaultStateDirectory } from "./state-directory.js";

export const mcp = new Command("mcp")
  .description("serve MCP on stdin and stdout")
  .option("--fleet <url>", "control plane to stand in front of; default: the one on this machine, else one of its own")
  .option("--fleet-id <id>", "name of its own fleet", "default")
  .option(
    "--state-dir <directory>",
    "where the token lies, or the state of its own control plane",
    defaultStateDirectory(),
  )
  .action(async (options: McpOptions) => (await import("./run-mcp.js")).runMcp(options));
