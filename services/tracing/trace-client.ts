// A generated client whose every call is made within a trace.
import type { DescService } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@connectrpc/connect";
import type { TraceHeaders } from "./trace-context.js";

type Call = (request: unknown, options?: CallOptions) => unknown;

/** The client itself when there is no trace. */
export function clientInTrace<Service extends DescService>(
  service: Service,
  client: Client<Service>,
  headers: TraceHeaders,
): Client<Service> {
  if (Object.keys(headers).length === 0) return client;
  const calls = service.methods.map(({ localName }) => {
    const call = (client as Record<string, Call>)[localName] as Call;
    const inTrace: Call = (request, options) =>
      call(request, { ...options, headers: merge(options?.headers, headers) });
    return [localName, inTrace];
  });
  return Object.fromEntries(calls) as Client<Service>;
}

function merge(own: CallOptions["headers"], added: TraceHeaders): Headers {
  const merged = new Headers(own);
  for (const [name, value] of Object.entries(added)) merged.set(name, value);
  return merged;
}
