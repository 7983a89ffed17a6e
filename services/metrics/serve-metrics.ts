// GET /metrics, on an address of its own and without a credential: figures of the whole, nothing of any host.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ErrorReason, failure } from "../shared/errors.js";
import { type ListenAddress, warnOfPlainText } from "../shared/http2-listener.js";
import type { Logger } from "../shared/log.js";
import type { MetricRegistry } from "./metric-registry.js";

export interface MetricsServer {
  /** "http://127.0.0.1:9600/metrics". */
  readonly url: string;
  close(): Promise<void>;
}

const path = "/metrics";

/** Resolves when it listens. Throws UNREACHABLE when the address cannot be had. */
export async function serveMetrics(
  registry: MetricRegistry,
  address: ListenAddress,
  log: Logger,
): Promise<MetricsServer> {
  warnOfPlainText(address, undefined, log);
  const server = createServer((request, response) => {
    answer(registry, request, response).catch((error: unknown) => {
      log.error({ err: error }, "metrics could not be read");
      response.writeHead(500).end("metrics could not be read; see the log\n");
    });
  });
  try {
    server.listen(address.port, address.host);
    await once(server, "listening");
  } catch (cause) {
    throw cannotListen(address, cause);
  }
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}${path}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function answer(registry: MetricRegistry, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url?.split("?")[0] !== path) {
    response.writeHead(404).end(`there is nothing here; metrics are at ${path}\n`);
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
  } else {
    const text = await registry.scrape();
    response.writeHead(200, { "content-type": registry.contentType, "content-length": Buffer.byteLength(text) });
    response.end(request.method === "HEAD" ? undefined : text);
  }
}

function cannotListen({ host, port }: ListenAddress, cause: unknown) {
  return failure(ErrorReason.UNREACHABLE, `cannot serve metrics on ${host}:${port}: ${(cause as Error).message}`, {
    metadata: { address: `${host}:${port}` },
    remedy: "choose another port, or end what holds it",
    cause,
  });
}
