// A generated client's way to a service in its own process: the handler is called, and what it gives is handed over as it is. Connect's router
// transport writes and reads every message as on a network, which takes longer than most calls.
import { create, type DescMethod, type DescService } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createHandlerContext,
  createServiceImplSpec,
  type HandlerContext,
  type Interceptor,
  type MethodImplSpec,
  type StreamRequest,
  type Transport,
  type UnaryRequest,
} from "@connectrpc/connect";
import { settled } from "./settled.js";
import { untilAborted } from "./until-aborted.js";

type Invoke = ReturnType<Interceptor>;
type Body = Pick<UnaryRequest, "stream" | "message"> | Pick<StreamRequest, "stream" | "message">;

/** A call that goes on. */
interface Call {
  readonly context: HandlerContext;
  /** Through all interceptors. */
  readonly invoke: (body: Body) => ReturnType<Invoke>;
  /** The promise's outcome, or a rejection once the caller waits no longer. */
  until<Value>(promise: Promise<Value>): Promise<Value>;
  /** What the caller is told of something that was thrown. */
  asCallerSees(error: unknown): ConnectError;
  /** Nothing of the call goes on. */
  end(): void;
}

interface CallOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly header: Parameters<Transport["unary"]>[3];
}

const callEnded = new ConnectError("the call has ended", Code.Canceled);

/**
 * Carries unary and server-streaming calls to the services that `routes` adds, through the interceptors of a server, the first one outermost. A
 * handler sees its caller's deadline and cancellation; what it throws reaches the caller as it would over a network.
 */
export function createInProcessTransport(
  routes: (router: ConnectRouter) => void,
  interceptors: readonly Interceptor[],
): Transport {
  const specs = collectMethods(routes);
  const innermostFirst = [...interceptors].reverse();
  const begin = (method: DescMethod, options: CallOptions) =>
    beginCall(specs.get(method), method, innermostFirst, options);
  return {
    async unary(method, signal, timeoutMs, header, input) {
      const call = begin(method, { signal, timeoutMs, header });
      try {
        const response = call.invoke({ stream: false, message: create(method.input, input) });
        return (await call.until(response)) as never;
      } catch (error) {
        throw call.asCallerSees(error);
      } finally {
        call.end();
      }
    },
    async stream(method, signal, timeoutMs, header, input) {
      const call = begin(method, { signal, timeoutMs, header });
      try {
        const message = mapEach(input, (given) => create(method.input, given));
        const response = await call.until(call.invoke({ stream: true, message }));
        return { ...response, message: untilEnd(response.message as AsyncIterable<unknown>, call) } as never;
      } catch (error) {
        const told = call.asCallerSees(error);
        call.end();
        throw told;
      }
    },
  };
}

function collectMethods(routes: (router: ConnectRouter) => void): ReadonlyMap<DescMethod, MethodImplSpec> {
  const specs = new Map<DescMethod, MethodImplSpec>();
  const service = (added: DescService, implementation: object) => {
    for (const spec of Object.values(createServiceImplSpec(added, implementation).methods))
      specs.set(spec.method, spec);
    return router;
  };
  const router = { service } as unknown as ConnectRouter;
  routes(router);
  return specs;
}

function beginCall(
  spec: MethodImplSpec | undefined,
  method: DescMethod,
  innermostFirst: readonly Interceptor[],
  { signal, timeoutMs, header }: CallOptions,
): Call {
  const context = createHandlerContext({
    method,
    service: method.parent,
    protocolName: "connect",
    requestMethod: "POST",
    url: `https://in-process/${method.parent.typeName}/${method.name}`,
    ...(signal ? { requestSignal: signal } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(header ? { requestHeader: header } : {}),
  });
  const invoke = innermostFirst.reduce((next, intercept) => intercept(next), handlerOf(spec, context));
  const isAbortable = signal !== undefined || timeoutMs !== undefined;
  return {
    context,
    invoke: (body) => invoke(requestOf(context, body)),
    until: (promise) => (isAbortable ? untilAborted(promise, context.signal) : promise),
    asCallerSees(error) {
      if (context.signal.aborted) return ConnectError.from(context.signal.reason, Code.Canceled);
      // As over a network, where a fault of the handler is nobody else's business.
      return error instanceof ConnectError ? error : new ConnectError("internal error", Code.Internal, {}, [], error);
    },
    end: () => context.abort(callEnded),
  };
}

function requestOf(context: HandlerContext, body: Body): UnaryRequest | StreamRequest {
  const { method, service, requestMethod, url, signal, requestHeader: header, values: contextValues } = context;
  return { method, service, requestMethod, url, signal, header, contextValues, ...body } as
    | UnaryRequest
    | StreamRequest;
}

// The innermost: calls the implementation with what the interceptors made of the request.
function handlerOf(spec: MethodImplSpec | undefined, context: HandlerContext): Invoke {
  const { service, method, responseHeader: header, responseTrailer: trailer } = context;
  return async (request) => {
    const { header: requestHeader, signal, contextValues: values } = request;
    const seen = { ...context, requestHeader, signal, values };
    if (spec?.kind === "unary" && !request.stream) {
      const message = create(spec.method.output, await spec.impl(request.message, seen));
      return { stream: false, method: spec.method, service, header, trailer, message };
    }
    if (spec?.kind === "server_streaming" && request.stream) {
      const output = spec.impl(await firstOf(request.message), seen);
      const message = mapEach(output, (given) => create(spec.method.output, given));
      return { stream: true, method: spec.method, service, header, trailer, message };
    }
    throw new ConnectError(`${service.typeName}/${method.name} is not served in this process`, Code.Unimplemented);
  };
}

async function* untilEnd(messages: AsyncIterable<unknown>, call: Call): AsyncGenerator<unknown> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await call.until(iterator.next());
      if (done) return;
      yield value;
    }
  } catch (error) {
    // The handler may still be at work, and is to end; whatever it says then, the caller was told before.
    if (iterator.return) void settled(iterator.return());
    throw call.asCallerSees(error);
  } finally {
    call.end();
  }
}

async function* mapEach<Given, Made>(items: AsyncIterable<Given>, make: (given: Given) => Made): AsyncGenerator<Made> {
  for await (const item of items) yield make(item);
}

async function firstOf<Item>(items: AsyncIterable<Item>): Promise<Item> {
  for await (const item of items) return item;
  throw new ConnectError("a call of one message came without it", Code.Unimplemented);
}
