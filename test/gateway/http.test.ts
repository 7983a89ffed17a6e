// The HTTP edge: who gets in, what is refused before anything runs, and the sessions of 2025-era clients.
import { request as httpRequest } from "node:http";
import { describe, expect, test } from "vitest";
import { connectModern, connectOlder, eras } from "./clients.js";
import { startGateway } from "./start-gateway.js";

const read = { name: "list_services", arguments: { selector: "all" } };
const initialize = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** A request by hand: fetch would not send a foreign Host. */
function send(
  url: string,
  headers: Record<string, string>,
  body = initialize,
  method = "POST",
  path = "/mcp",
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const all = {
    authorization: "Bearer alice-token",
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ hostname, port, path, method, headers: all }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Initializes a session by hand and returns its id. */
async function openSession(url: string, token = "alice-token"): Promise<string> {
  const { status, headers } = await send(url, { authorization: `Bearer ${token}` });
  expect(status).toBe(200);
  return headers["mcp-session-id"] as string;
}

const listTools = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/list", params: {} });

describe("a request is refused", () => {
  const refused: { because: string; headers: Record<string, string>; status: number; says: string }[] = [
    { because: "it has no token", headers: { authorization: "" }, status: 401, says: "credential" },
    { because: "its token is wrong", headers: { authorization: "Bearer x" }, status: 401, says: "credential" },
    { because: "its Host is foreign", headers: { host: "evil.example" }, status: 403, says: "evil.example" },
    { because: "its Host is foreign with our port", headers: { host: "evil.example:80" }, status: 403, says: "evil" },
    { because: "its Origin is foreign", headers: { origin: "https://evil.example" }, status: 403, says: "evil" },
    { because: "its Origin is null", headers: { origin: "null" }, status: 403, says: "Origin" },
    { because: "it is not JSON", headers: { "content-type": "text/plain" }, status: 415, says: "" },
  ];

  test.each(refused)("with $status because $because", async ({ headers, status, says }) => {
    const { url, fleet } = await startGateway();
    const answer = await send(url, headers);
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(says);
    expect(fleet.asked).toEqual([]);
  });

  test("with a challenge that names the scheme", async () => {
    const { url } = await startGateway();
    const { headers } = await send(url, { authorization: "" });
    expect(headers["www-authenticate"]).toMatch(/^Bearer /);
  });

  test.each([
    { era: "2025-11-25", headers: {} },
    { era: "2026-07-28", headers: { "mcp-protocol-version": "2026-07-28" } },
  ])("with 413 because its body is too large, $era", async ({ headers }) => {
    const { url } = await startGateway({ maxRequestBytes: 10_000 });
    const { status } = await send(url, headers, JSON.stringify({ pad: "x".repeat(20_000) }));
    expect(status).toBe(413);
  });

  test.each(["/", "//", "//[", "/mcp/x", "/MCP", "*"])("with 404 because of its path %s", async (path) => {
    const { url } = await startGateway();
    const { status, body } = await send(url, {}, initialize, "POST", path);
    expect(status).toBe(404);
    expect(body).toContain("/mcp");
  });

  test("with 500, and the gateway lives on, because the authenticator fails", async () => {
    const { url } = await startGateway({
      authenticate: () => {
        throw new Error("the issuer's keys cannot be read");
      },
    });
    const { status, body } = await send(url, {});
    expect(status).toBe(500);
    expect(body).not.toContain("issuer");
    expect((await send(url, {})).status).toBe(500);
  });
});

test("a named host is served when it is allowed", async () => {
  const { url } = await startGateway({ allowedHosts: ["fleet.example"] });
  const { status } = await send(url, { host: "fleet.example", origin: "https://fleet.example" });
  expect(status).toBe(200);
});

test.each(eras)("two clients of $era at once act each in their own name", async ({ connect }) => {
  const { fleet, url } = await startGateway();
  const [alice, bob] = await Promise.all([
    connect(url, { token: "alice-token" }),
    connect(url, { token: "bob-token" }),
  ]);
  const calls = Array.from({ length: 10 }, (_, index) => {
    const [client, name] = index % 2 === 0 ? [alice, "alice"] : [bob, "bob"];
    return client.callTool({ name: "find_hosts", arguments: { selector: `labels.owner == '${name}'` } });
  });
  await Promise.all(calls);
  expect(fleet.asked).toHaveLength(10);
  for (const { principal, request } of fleet.asked) {
    expect((request as { selector: string }).selector).toBe(`labels.owner == '${principal}'`);
  }
  await Promise.all([alice.close(), bob.close()]);
});

describe("a session", () => {
  test("does not exist for another principal", async () => {
    const { url, fleet } = await startGateway();
    const session = await openSession(url);
    const mine = await send(url, { "mcp-session-id": session }, listTools);
    const theirs = await send(url, { "mcp-session-id": session, authorization: "Bearer bob-token" }, listTools);
    const none = await send(url, { "mcp-session-id": "nothing" }, listTools);
    expect([mine.status, theirs.status, none.status]).toEqual([200, 404, 404]);
    expect(theirs.body).toBe(none.body);
    expect(fleet.asked).toEqual([]);
  });

  test("ends when its client ends it", async () => {
    const { url } = await startGateway();
    const session = await openSession(url);
    expect((await send(url, { "mcp-session-id": session }, "", "DELETE")).status).toBe(200);
    expect((await send(url, { "mcp-session-id": session }, listTools)).status).toBe(404);
  });

  test("ends when it was idle for too long, and not before", async () => {
    const { url } = await startGateway({ sessions: { idleMs: 1_500 } });
    const session = await openSession(url);
    expect((await send(url, { "mcp-session-id": session }, listTools)).status).toBe(200);
    await expect
      .poll(async () => (await send(url, { "mcp-session-id": session }, listTools)).status, {
        interval: 3_000,
        timeout: 5_000,
      })
      .toBe(404);
  });

  test("does not end while its client listens", async () => {
    const { url } = await startGateway({ sessions: { idleMs: 1_000 } });
    const client = await connectOlder(url);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect((await client.callTool(read)).isError).toBeFalsy();
    await client.close();
  });

  test("that is idle for longest makes room for a new one", async () => {
    const { url } = await startGateway({ sessions: { maxSessions: 2 } });
    const [first, second] = [await openSession(url), await openSession(url)];
    await send(url, { "mcp-session-id": first }, listTools);
    const third = await openSession(url);
    const statuses = [first, second, third].map(
      async (id) => (await send(url, { "mcp-session-id": id }, listTools)).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 404, 200]);
  });

  test("is refused with 503 when every other one is in use; 2026-07-28 needs none", async () => {
    const { url } = await startGateway({ sessions: { maxSessions: 1 } });
    const listening = await connectOlder(url);
    const { status, body } = await send(url, {});
    expect(status).toBe(503);
    expect(body).toContain("all 1 sessions are in use");
    const modern = await connectModern(url);
    expect((await modern.callTool(read)).isError).toBeFalsy();
    await Promise.all([listening.close(), modern.close()]);
  });

  test("is not made by anything but initialize", async () => {
    const { url } = await startGateway({ sessions: { maxSessions: 1 } });
    expect((await send(url, {}, listTools)).status).toBe(400);
    expect((await send(url, {}, "", "GET")).status).toBe(400);
    expect((await send(url, {}, "not json")).status).toBe(400);
    await openSession(url);
  });
});

test("a port that is taken is an error", async () => {
  const { url } = await startGateway();
  const port = Number(new URL(url).port);
  await expect(startGateway({ listen: { host: "127.0.0.1", port } })).rejects.toThrow("EADDRINUSE");
});
