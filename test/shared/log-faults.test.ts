// What a handler throws without meaning to is in the log of its server, and nowhere else.
import { randomUUID } from "node:crypto";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { type GrpcServer, startGrpcServer } from "../../services/shared/grpc-server.js";

const lines: { rpc?: string; err?: { message: string } }[] = [];
const log = pino({ level: "error" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
const unknownRun = randomUUID();
let server: GrpcServer;

beforeAll(async () => {
  server = await startGrpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    routes: ({ service }) =>
      service(FleetService, {
        getRun({ runId }) {
          if (runId === unknownRun) throw failure(ErrorReason.INVALID_ARGUMENT, "no such run");
          throw new TypeError("nobody thought of this");
        },
        async *run() {
          yield { event: { case: "started", value: { runId: "r", targeted: 1 } } };
          throw new RangeError("nor of this");
        },
      }),
    services: [FleetService],
    authenticate: (next) => next,
    log,
  });
});
afterAll(() => server.close());
beforeEach(() => void lines.splice(0));

const fleet = () => createClient(FleetService, createGrpcTransport({ baseUrl: server.url }));

it("logs a fault with its rpc, and tells the caller only that there was one", async () => {
  await expect(fleet().getRun({ runId: randomUUID() })).rejects.toThrow("internal error");
  expect(lines).toMatchObject([
    { rpc: "systemsmanager.fleet.v1.FleetService/GetRun", err: { message: "nobody thought of this" } },
  ]);
});

it("logs a fault in the middle of a stream", async () => {
  const readAll = async () => {
    for await (const _ of fleet().run({ selector: "all", method: "x/Y" }));
  };
  await expect(readAll()).rejects.toThrow("internal error");
  expect(lines).toMatchObject([{ rpc: "systemsmanager.fleet.v1.FleetService/Run", err: { message: "nor of this" } }]);
});

it("does not log what callers are told anyway", async () => {
  await expect(fleet().getRun({ runId: unknownRun })).rejects.toThrow("no such run");
  expect(lines).toEqual([]);
});
