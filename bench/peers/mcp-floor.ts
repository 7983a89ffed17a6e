// The floor of one tool call: what the MCP SDK alone takes for it. See mcp-floor-server.ts.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProcess } from "../rig/bench-process.js";
import { connectMcp } from "../rig/connect-mcp.js";

const program = fileURLToPath(new URL("mcp-floor-server.js", import.meta.url));

/** Milliseconds of each of so many calls, one after the other, that are answered with so many characters. */
export async function measureMcpFloor(calls: number, characters: number): Promise<number[]> {
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-bench-"));
  const args = [program, String(characters)];
  const server = startProcess({ name: "mcp-floor", program: process.execPath, args, logDirectory: directory });
  try {
    const url = await server.waitFor("listened", (line) => (line.startsWith("http:") ? line : undefined));
    const client = await connectMcp(url);
    const times: number[] = [];
    for (let call = 0; call < calls; call++) {
      const start = performance.now();
      await client.callTool({ name: "answer", arguments: { selector: "all" } });
      times.push(performance.now() - start);
    }
    await client.close();
    return times;
  } finally {
    await server.stop("SIGTERM");
    rmSync(directory, { recursive: true });
  }
}
