// A client of the MCP SDK over Streamable HTTP, of the newest protocol.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

/** Connects as the principal of the token, or as nobody. */
export async function connectMcp(url: string, token?: string): Promise<Client> {
  const versions = { versionNegotiation: { mode: { pin: "2026-07-28" as const } } };
  const client = new Client({ name: "bench", version: "1.0.0" }, { capabilities: {}, ...versions });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  return client;
}
