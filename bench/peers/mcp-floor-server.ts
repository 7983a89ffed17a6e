// The floor of a tool call: a server of the MCP SDK and nothing else, whose one tool answers at once.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";

// As long as the answer of one host.
const text = "x".repeat(Number(process.argv[2]));
const answer = { content: [{ type: "text" as const, text }], structuredContent: { ok: 1 } };

const handler = createMcpHandler(
  () => {
    const server = new McpServer({ name: "floor", version: "1.0.0" }, { capabilities: { tools: {} } });
    server.server.setRequestHandler("tools/list", () => ({
      tools: [{ name: "answer", inputSchema: { type: "object" as const } }],
    }));
    server.server.setRequestHandler("tools/call", () => answer);
    return server;
  },
  { legacy: "reject" },
);
const serve = toNodeHandler(handler);
const server = createServer((request, response) => {
  serve(request as Parameters<typeof serve>[0], response).catch((error: unknown) => response.destroy(error as Error));
});
server.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
});
