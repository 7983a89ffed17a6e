// Refusals of the HTTP layer in the shape that MCP clients read.

/** A response with a JSON-RPC error that answers no request in particular. */
export function jsonRpcError(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ jsonrpc: "2.0", error: { code: -32_000, message }, id: null }, { status, headers });
}
