// What every fixture is made with.
import type { CallToolResult, Tool as ToolDefinition } from "@modelcontextprotocol/server";
import type { Tool } from "../../services/gateway/gateway.js";

const noArguments: ToolDefinition["inputSchema"] = { type: "object" };

/** A tool of the suite, by the name that the suite calls. */
export function fixture(name: string, call: Tool["call"], inputSchema = noArguments): Tool {
  return { definition: { name, description: `Conformance fixture ${name}`, inputSchema }, call };
}

/** A result of one text. */
export function text(value: string): CallToolResult {
  return { content: [{ type: "text", text: value }] };
}
