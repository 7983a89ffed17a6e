// A tool result whose text and structure say the same, so that a client may give its model either.
import type { CallToolResult, Tool as ToolDefinition } from "@modelcontextprotocol/server";
import type { Structure } from "../../shared/structure.js";

/** A successful result. */
export function textResult(text: string, structuredContent: Structure): CallToolResult {
  return { content: [{ type: "text", text }], structuredContent };
}

/**
 * The output schema of a tool whose answer always has these properties. A failed call has reason and message instead:
 * clients of the 2025 era hold failed results to the schema too.
 */
export function outputSchemaOf(
  properties: Record<string, "string" | "object" | "array" | "integer">,
): ToolDefinition["outputSchema"] {
  const types = Object.entries(properties).map(([name, type]) => [name, { type }]);
  return {
    type: "object",
    properties: Object.fromEntries(types),
    anyOf: [{ required: Object.keys(properties) }, { required: ["reason"] }],
  } as ToolDefinition["outputSchema"];
}
