// A service whose methods are operations, as Connect serves it: every method by reflection, none by name.
import type { DescService, Message } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { findOperation, type Operation, operationName } from "../shared/operations.js";

/** Answers one call of a direct client. */
export type OperationCaller = (
  operation: Operation,
  request: Message,
  call: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<Message>;

/** An implementation that hands every method to `run`, with the client's deadline or the operation's default. */
export function serveOperations<Service extends DescService>(service: Service, run: OperationCaller) {
  const methods = service.methods.map((method) => {
    const operation = findOperation(operationName(method));
    const handler = (request: Message, context: HandlerContext) =>
      run(operation, request, {
        signal: context.signal,
        timeoutMs: context.timeoutMs() ?? operation.defaultTimeoutMs,
      });
    return [method.localName, handler];
  });
  return Object.fromEntries(methods) as ServiceImpl<Service>;
}
