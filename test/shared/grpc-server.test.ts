import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, it } from "vitest";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { startGrpcServer } from "../../services/shared/grpc-server.js";
import { createLogger } from "../../services/shared/log.js";

it("serves twenty streams at once without a warning of too many listeners, and ends them when it closes", async () => {
  const warnings: string[] = [];
  const warned = (warning: Error) => void warnings.push(warning.message);
  process.on("warning", warned);
  const server = await startGrpcServer({
    listen: { host: "127.0.0.1", port: 0 },
    routes: ({ service }) =>
      service(FleetService, {
        async *run(_request, { signal }) {
          yield { event: { case: "started", value: { runId: "r", targeted: 1 } } };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      }),
    services: [FleetService],
    authenticate: (next) => next,
    log: createLogger("grpc-server-test"),
  });
  const fleet = createClient(FleetService, createGrpcTransport({ baseUrl: server.url }));
  const streams = Array.from({ length: 20 }, () =>
    fleet.run({ selector: "all", method: "x/Y" })[Symbol.asyncIterator](),
  );
  const begun = await Promise.all(streams.map((stream) => stream.next()));
  expect(begun.map(({ value }) => value?.event.case)).toEqual(streams.map(() => "started"));
  const ends = Promise.allSettled(streams.map((stream) => stream.next()));
  await server.close();
  await ends;
  process.off("warning", warned);
  expect(warnings).toEqual([]);
});
