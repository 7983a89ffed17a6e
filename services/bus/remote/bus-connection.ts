// The generated client of BusService over one HTTP/2 connection, which opens again by itself at the next call.
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  BusService,
  type GetTopicsResponse,
  type PublishedMessage,
  type PublishResult,
  type SubscribeRequest,
  type SubscribeResponse,
} from "../../gen/systemsmanager/bus/v1/bus_service_pb.js";
import { ErrorDetailSchema } from "../../gen/systemsmanager/errors/v1/error_reason_pb.js";
import { bearer } from "../../shared/bearer.js";
import { ErrorReason, failure } from "../../shared/errors.js";

export interface BusAddress {
  readonly url: string;
  readonly token: string;
  readonly ca?: string;
}

/** Every failure carries a reason: the server's own, or UNREACHABLE when it did not come to that. */
export interface BusConnection {
  getTopics(signal: AbortSignal): Promise<GetTopicsResponse>;
  publish(messages: PublishedMessage[], signal: AbortSignal): Promise<PublishResult[]>;
  subscribe(requests: AsyncIterable<SubscribeRequest>, signal: AbortSignal): AsyncIterable<SubscribeResponse>;
  close(): void;
}

const callTimeoutMs = 10_000;
// A peer that is gone without a word is noticed within their sum.
const pingIntervalMs = 10_000;
const pingTimeoutMs = 5_000;
// One message of 1 MiB with its key and headers, and room.
const readMaxBytes = 2 * 1024 * 1024;

/** Dials with the first call. INVALID_ARGUMENT for what is no address. */
export function connectBus({ url, token, ca }: BusAddress): BusConnection {
  checkUrl(url);
  const tls = ca === undefined ? {} : { ca };
  const sessionManager = new Http2SessionManager(url, { pingIntervalMs, pingTimeoutMs }, tls);
  const interceptors = [bearer(token)];
  // Commands and replies are small, signed or compressed by others already.
  const options = { baseUrl: url, sessionManager, interceptors, readMaxBytes, acceptCompression: [] };
  const client = createClient(BusService, createGrpcTransport(options));
  const reasoned = (error: unknown): never => {
    throw hasDetail(error) ? error : unreachable(url, error);
  };
  return {
    getTopics: (signal) => client.getTopics({}, { signal, timeoutMs: callTimeoutMs }).catch(reasoned),
    publish: async (messages, signal) => {
      const call = client.publish({ messages }, { signal, timeoutMs: callTimeoutMs });
      return (await call.catch(reasoned)).results;
    },
    async *subscribe(requests, signal) {
      try {
        yield* client.subscribe(requests, { signal });
      } catch (error) {
        reasoned(error);
      }
    },
    close: () => sessionManager.abort(),
  };
}

function checkUrl(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return;
  throw failure(ErrorReason.INVALID_ARGUMENT, `${JSON.stringify(url)} is no address of a bus`, {
    metadata: { field: "url", rule: "string.uri" },
    remedy: "give its URL, such as https://10.0.0.1:7603",
  });
}

function hasDetail(error: unknown): boolean {
  return error instanceof ConnectError && error.findDetails(ErrorDetailSchema).length > 0;
}

function unreachable(url: string, cause: unknown) {
  const { message } = ConnectError.from(cause);
  return failure(ErrorReason.UNREACHABLE, `no bus at ${url}: ${message}`, {
    metadata: { address: url },
    remedy: "check the address, the network and that the control plane was started with --bus",
    cause,
  });
}
