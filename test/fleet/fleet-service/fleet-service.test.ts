import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, test } from "vitest";
import { FleetService } from "../../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { localTokenAuthenticator, principalKey } from "../../../services/identity/principal.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";
import { type GrpcServer, startGrpcServer } from "../../../services/shared/grpc-server.js";
import { createLogger } from "../../../services/shared/log.js";
import { collect } from "../run/collect.js";
import { type FleetClient, type FleetUnderTest, listServices, startFleet } from "../run/fleet-under-test.js";

let fleet: FleetUnderTest;
let server: GrpcServer | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
  await fleet.close();
});

async function reasonOf(promise: Promise<unknown>): Promise<string | undefined> {
  const error = await promise.then(
    () => undefined,
    (cause) => cause,
  );
  return error === undefined ? undefined : ErrorReason[errorDetailOf(error).reason];
}

async function allPages(client: FleetClient, selector: string, pageSize: number): Promise<string[][]> {
  const pages: string[][] = [];
  let pageToken = "";
  do {
    const answer = await client.findHosts({ selector, pageSize, pageToken });
    pages.push(answer.hosts.map(({ facts }) => facts?.name ?? ""));
    pageToken = answer.nextPageToken;
  } while (pageToken !== "");
  return pages;
}

describe("FindHosts", () => {
  test("gives facts and presence of the hosts that match, by name, in pages", async () => {
    fleet = await startFleet();
    await fleet.attach("web-3", "web-1", "db-1", "web-2");
    await fleet.detach("web-2");
    const answer = await fleet.client.findHosts({ selector: "name.startsWith('web')" });
    expect(answer).toMatchObject({ matchedCount: 3, onlineCount: 2, nextPageToken: "" });
    expect(answer.hosts.map(({ facts, online }) => [facts?.name, online])).toEqual([
      ["web-1", true],
      ["web-2", false],
      ["web-3", true],
    ]);
    expect(answer.hosts[0]?.facts).toMatchObject({ os: "linux", distro: "debian", cpuCount: 2 });
    expect(answer.hosts[0]?.since).toBeDefined();
    expect(await allPages(fleet.client, "all", 3)).toEqual([["db-1", "web-1", "web-2"], ["web-3"]]);
    expect(await allPages(fleet.client, "all", 2)).toEqual([
      ["db-1", "web-1"],
      ["web-2", "web-3"],
    ]);
  });

  test("refuses the page token of another selector", async () => {
    fleet = await startFleet();
    await fleet.attach("a", "b");
    const { nextPageToken } = await fleet.client.findHosts({ selector: "all", pageSize: 1 });
    expect(await reasonOf(fleet.client.findHosts({ selector: "online", pageToken: nextPageToken }))).toBe(
      "INVALID_HANDLE",
    );
  });

  test.each([
    ["", "INVALID_ARGUMENT"],
    ["distro ==", "SELECTOR_SYNTAX"],
    ["distr == 'x'", "UNKNOWN_FACT"],
    ["c", "UNKNOWN_HOST"],
    ["distro == 'x'", "NO_HOST_MATCHES"],
  ])("refuses the selector %j with %s", async (selector, reason) => {
    fleet = await startFleet();
    await fleet.attach("a");
    expect(await reasonOf(fleet.client.findHosts({ selector }))).toBe(reason);
  });
});

describe("ListRuns and GetRun", () => {
  test("list a principal's own runs, newest first, in pages, after a restart too", async () => {
    fleet = await startFleet();
    await fleet.attach("a");
    const ids: string[] = [];
    const ask = (client: FleetClient) => collect(client.run({ selector: "all", method: listServices }));
    for (let count = 0; count < 5; count++) ids.unshift((await ask(fleet.client)).run.runId);
    await ask(fleet.clientOf("somebody-else"));
    for (const restart of [false, true]) {
      if (restart) await fleet.restart();
      const first = await fleet.client.listRuns({ pageSize: 3 });
      const second = await fleet.client.listRuns({ pageSize: 3, pageToken: first.nextPageToken });
      expect([...first.runs, ...second.runs].map(({ runId }) => runId)).toEqual(ids);
      expect(first.runs).toHaveLength(3);
      expect(second.nextPageToken).toBe("");
      expect(first.runs[0]).toMatchObject({ principal: "local", accounting: { targeted: 1, ok: 1 } });
    }
  });

  test("a run id that is unknown, and one that is no id", async () => {
    fleet = await startFleet();
    expect(await reasonOf(fleet.client.getRun({ runId: "00000000-0000-4000-8000-000000000000" }))).toBe("UNKNOWN_RUN");
    expect(await reasonOf(fleet.client.getRun({ runId: "1" }))).toBe("INVALID_ARGUMENT");
  });

  test("the summary keeps to the budget that was asked for", async () => {
    fleet = await startFleet();
    await fleet.attach("a");
    const { run } = await collect(fleet.client.run({ selector: "all", method: listServices }));
    const { summary } = await fleet.client.getRun({ runId: run.runId, tokenBudget: 256 });
    expect(summary?.textTokens).toBeLessThanOrEqual(256);
    expect(summary?.text).toContain("asked 1 host: 1 ok");
    expect(await reasonOf(fleet.client.getRun({ runId: run.runId, tokenBudget: 8001 }))).toBe("INVALID_ARGUMENT");
  });
});

describe("over real HTTP/2 with a bearer token", () => {
  async function serve() {
    fleet = await startFleet();
    await fleet.attach("a", "b");
    const authenticator = localTokenAuthenticator("secret");
    const authenticate: Interceptor = (next) => (request) => {
      request.contextValues.set(principalKey, authenticator(request.header.get("authorization")));
      return next(request);
    };
    server = await startGrpcServer({
      listen: { host: "127.0.0.1", port: 0 },
      routes: fleet.routes,
      services: [FleetService],
      authenticate,
      log: createLogger("fleet-service-test"),
    });
    const url = server.url;
    return (token: string): FleetClient => {
      const bearer: Interceptor = (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      };
      return createClient(FleetService, createGrpcTransport({ baseUrl: url, interceptors: [bearer] }));
    };
  }

  test("a generated gRPC client runs a read and opens its result", async () => {
    const client = (await serve())("secret");
    const { accounting, run } = await collect(client.run({ selector: "all", method: listServices }));
    expect(accounting).toMatchObject({ targeted: 2, ok: 2 });
    expect(run.principal).toBe("local");
    const { matchedCount } = await client.openResult({ target: { case: "runId", value: run.runId } });
    expect(matchedCount).toBe(2);
  });

  test("errors of unary calls and streams carry their detail", async () => {
    const client = (await serve())("secret");
    expect(await reasonOf(client.findHosts({ selector: "nobody" }))).toBe("UNKNOWN_HOST");
    expect(await reasonOf(collect(client.run({ selector: "all", method: "x.Y/Z" })))).toBe("UNKNOWN_OPERATION");
    expect(await reasonOf(collect(client.run({ selector: "", method: listServices })))).toBe("INVALID_ARGUMENT");
  });

  test("a wrong token is UNAUTHENTICATED", async () => {
    const client = (await serve())("wrong");
    expect(await reasonOf(client.findHosts({ selector: "all" }))).toBe("UNAUTHENTICATED");
    expect(await reasonOf(collect(client.run({ selector: "all", method: listServices })))).toBe("UNAUTHENTICATED");
  });
});

test("a caller that nobody authenticated may do nothing", async () => {
  fleet = await startFleet();
  await fleet.attach("a");
  const nobody = fleet.clientOf("");
  expect(await reasonOf(collect(nobody.run({ selector: "all", method: listServices })))).toBe("UNAUTHENTICATED");
  expect(await reasonOf(nobody.findHosts({ selector: "all" }))).toBe("UNAUTHENTICATED");
  expect(await reasonOf(nobody.listRuns({}))).toBe("UNAUTHENTICATED");
});

test("a state directory that cannot be written is STORAGE_FAILED and names the path", async () => {
  fleet = await startFleet();
  const opened = fleet.restart({ stateDirectory: "/dev/null/state" });
  expect(await reasonOf(opened)).toBe("STORAGE_FAILED");
  await expect(opened).rejects.toThrow(/name another state directory/);
});
