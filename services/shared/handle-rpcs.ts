// Connect's handlers on Node's HTTP/2 server. As its own adapter does it, but that a client which goes away in mid-answer is a line of
// the log, and not text on standard error.
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type ConnectRouter, type ConnectRouterOptions, createConnectRouter } from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Logger } from "./log.js";

export type RequestListener = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Answers what the routes have; any other path is 404. */
export function handleRpcs(
  routes: (router: ConnectRouter) => void,
  options: ConnectRouterOptions,
  log: Logger,
): RequestListener {
  const router = createConnectRouter({ acceptCompression: [compressionGzip, compressionBrotli], ...options });
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(request.url.split("?", 1)[0] ?? "");
    if (!handler) {
      response.writeHead(404);
      response.end();
      return;
    }
    handler(universalRequestFromNodeRequest(request, response, undefined, undefined))
      .then((answer) => universalResponseToNodeResponse(answer, response))
      .catch((error: unknown) => log.debug({ err: error, rpc: handler.requestPath }, "an answer could not be sent"));
  };
}
