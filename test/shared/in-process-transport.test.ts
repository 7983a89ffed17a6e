import { create, isMessage } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createClient,
  createContextKey,
  createRouterTransport,
  type HandlerContext,
  type Interceptor,
  type ServiceImpl,
  type Transport,
} from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { RunResponseSchema } from "../../services/gen/systemsmanager/fleet/v1/run_operation_pb.js";
import { RunFinishedSchema } from "../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { TelemetryService } from "../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { ErrorReason, errorDetailOf, failure } from "../../services/shared/errors.js";
import { createInProcessTransport } from "../../services/shared/in-process-transport.js";
import { observeRpcs } from "../../services/shared/observe-rpc.js";
import { validateRequests } from "../../services/shared/validation.js";

type Routes = (router: ConnectRouter) => void;
type Open = (routes: Routes, interceptors?: readonly Interceptor[]) => Transport;

const callerKey = createContextKey("nobody");
const asCaller: Interceptor = (next) => (request) => {
  request.contextValues.set(callerKey, request.header.get("caller") ?? "nobody");
  return next(request);
};

// What holds on Connect's own transport, which goes through bytes, holds on the one that does not.
describe.each<[string, Open]>([
  [
    "Connect's router transport",
    (routes, more = []) => createRouterTransport(routes, { router: { interceptors: [...more] } }),
  ],
  ["the transport in process", (routes, more = []) => createInProcessTransport(routes, more)],
])("%s", (_name, open) => {
  const serve = (handlers: Partial<ServiceImpl<typeof FleetService>>, interceptors: readonly Interceptor[] = []) =>
    createClient(
      FleetService,
      open(({ service }) => service(FleetService, handlers), interceptors),
    );

  it("makes messages of what a handler gives, with the caller's header and the interceptors' values", async () => {
    const fleet = serve(
      { getRun: (request, context) => ({ run: { runId: `${request.runId} of ${context.values.get(callerKey)}` } }) },
      [asCaller],
    );
    const response = await fleet.getRun({ runId: "one" }, { headers: { caller: "web" } });
    expect(response.run?.runId).toBe("one of web");
    expect(response.run?.accounting).toBeUndefined();
    expect(response.run?.method).toBe("");
  });

  it("hands over every message of a stream, in order", async () => {
    const fleet = serve({
      async *run() {
        yield { event: { case: "started", value: { runId: "r", targeted: 2 } } };
        yield create(RunResponseSchema, { event: { case: "finished", value: create(RunFinishedSchema) } });
      },
    });
    const seen = [];
    for await (const response of fleet.run({ selector: "all" })) {
      expect(isMessage(response, RunResponseSchema)).toBe(true);
      seen.push(response.event.case);
    }
    expect(seen).toEqual(["started", "finished"]);
  });

  it.each<[string, () => Error, Code, string, ErrorReason]>([
    [
      "a failure with its detail",
      () => failure(ErrorReason.BUSY, "too much", { metadata: { queue: "q" } }),
      Code.ResourceExhausted,
      "too much",
      ErrorReason.BUSY,
    ],
    [
      "a fault without its words",
      () => new TypeError("a.b is undefined"),
      Code.Internal,
      "internal error",
      ErrorReason.INTERNAL,
    ],
  ])("tells the caller %s", async (_case, make, code, message, reason) => {
    const fleet = serve({
      getRun() {
        throw make();
      },
      async *run() {
        yield { event: { case: "started", value: { runId: "r" } } };
        throw make();
      },
    });
    const streamed = async () => {
      for await (const _response of fleet.run({ selector: "all" }));
    };
    for (const call of [() => fleet.getRun({ runId: "r" }), streamed]) {
      const error = await call().then(() => undefined, ConnectError.from);
      expect([error?.code, error?.rawMessage]).toEqual([code, message]);
      expect(errorDetailOf(error).reason).toBe(reason);
    }
  });

  it("ends a call whose deadline has passed, and tells its handler", async () => {
    const contexts: HandlerContext[] = [];
    const never = (context: HandlerContext) => {
      contexts.push(context);
      return new Promise<never>(() => undefined);
    };
    const fleet = serve({
      getRun: (_request, context) => never(context),
      async *run(_request, context) {
        yield { event: { case: "started", value: { runId: "r" } } };
        await never(context);
      },
    });
    const streamed = async () => {
      for await (const _response of fleet.run({ selector: "all" }, { timeoutMs: 50 }));
    };
    for (const call of [() => fleet.getRun({ runId: "r" }, { timeoutMs: 50 }), streamed])
      await expect(call()).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  it("ends a stream whose caller has gone away, and lets its handler clean up", async () => {
    const gone = new AbortController();
    let cleanedUp: () => void = () => undefined;
    const cleanUp = new Promise<void>((resolve) => {
      cleanedUp = resolve;
    });
    const fleet = serve({
      async *run(_request, { signal }) {
        try {
          yield { event: { case: "started", value: { runId: "r" } } };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        } finally {
          cleanedUp();
        }
      },
    });
    const events = fleet.run({ selector: "all" }, { signal: gone.signal })[Symbol.asyncIterator]();
    await events.next();
    const next = events.next();
    gone.abort();
    await expect(next).rejects.toMatchObject({ code: Code.Canceled });
    await cleanUp;
  });

  it("passes interceptors the first one outermost, and streams what they make of the messages", async () => {
    const order: string[] = [];
    const noting = (name: string): Interceptor =>
      observeRpcs(() => {
        order.push(`${name} begins`);
        return () => order.push(`${name} ends`);
      });
    const fleet = serve(
      {
        async *run() {
          order.push("handled");
          yield { event: { case: "started", value: {} } };
        },
      },
      [noting("outer"), noting("inner")],
    );
    for await (const _response of fleet.run({ selector: "all" }));
    expect(order).toEqual(["outer begins", "inner begins", "handled", "inner ends", "outer ends"]);
  });

  it("refuses what its interceptors refuse before the handler is called", async () => {
    let handled = 0;
    const fleet = serve(
      {
        // biome-ignore lint/correctness/useYield: what matters is whether it is called at all
        async *run() {
          handled++;
        },
      },
      [validateRequests],
    );
    const error = await fleet
      .run({ selector: "" })
      [Symbol.asyncIterator]()
      .next()
      .catch((cause: unknown) => cause);
    expect(errorDetailOf(error).reason).toBe(ErrorReason.INVALID_ARGUMENT);
    expect(handled).toBe(0);
  });

  it("says UNIMPLEMENTED of an rpc that the service lacks, and of a service that is not served", async () => {
    const routes: Routes = ({ service }) => service(FleetService, {});
    const calls = [
      createClient(FleetService, open(routes)).getRun({ runId: "r" }),
      createClient(TelemetryService, open(routes)).listServices({}),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: Code.Unimplemented });
  });
});

describe("the transport in process alone", () => {
  it("ends the context of a call that is over, so that nothing goes on for it", async () => {
    const contexts: HandlerContext[] = [];
    const transport = createInProcessTransport(
      ({ service }) =>
        service(FleetService, {
          getRun(_request, context) {
            contexts.push(context);
            return {};
          },
        }),
      [],
    );
    await createClient(FleetService, transport).getRun({ runId: "r" });
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true]);
  });
});
