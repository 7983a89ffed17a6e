import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { createMetricRegistry, type MetricRegistry } from "../../services/metrics/metric-registry.js";
import { rowsOf } from "../../services/metrics/metric-table.js";
import { type MetricsServer, serveMetrics } from "../../services/metrics/serve-metrics.js";
import { ErrorReason, hasReason } from "../../services/shared/errors.js";
import { testLog } from "../daemon/test-path.js";
import { parseExposition } from "./parse-exposition.js";

let server: MetricsServer | undefined;

afterEach(() => server?.close());

async function serve(registry: MetricRegistry = createMetricRegistry()): Promise<URL> {
  server = await serveMetrics(registry, { host: "127.0.0.1", port: 0 }, testLog);
  return new URL(server.url);
}

test("GET /metrics answers in Prometheus' text format", async () => {
  const response = await fetch(await serve());
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(parseExposition(await response.text()).size).toBeGreaterThan(10);
});

test("HEAD has the headers of a GET, and no body", async () => {
  const response = await fetch(await serve(), { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(Number(response.headers.get("content-length"))).toBeGreaterThan(1000);
  expect(await response.text()).toBe("");
});

test.each(["/", "/metrics/", "/metricsx", "/healthz", "//metrics"])("%s is not there", async (path) => {
  const url = await serve();
  const response = await fetch(`${url.origin}${path}`);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain("metrics are at /metrics");
});

test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s is not allowed", async (method) => {
  const response = await fetch(await serve(), { method });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("a query is no part of the path", async () => {
  const url = await serve();
  expect((await fetch(`${url}?name[]=up`)).status).toBe(200);
});

test("a part that cannot be read is a 500 without its error's words, and the next scrape is tried anew", async () => {
  const registry = createMetricRegistry();
  let broken = true;
  const { gauge } = rowsOf<number>("test");
  registry.show([gauge("value", "Value.", (value) => value)], () => {
    if (broken) throw new Error("secret words");
    return 1;
  });
  const url = await serve(registry);
  const failed = await fetch(url);
  expect([failed.status, await failed.text()]).toEqual([500, "metrics could not be read; see the log\n"]);
  broken = false;
  expect((await fetch(url)).status).toBe(200);
});

test("a port in use is UNREACHABLE and named", async () => {
  const { port } = await serve();
  const second = serveMetrics(createMetricRegistry(), { host: "127.0.0.1", port: Number(port) }, testLog);
  const error = await second.catch((reason: unknown) => reason);
  expect(hasReason(error, ErrorReason.UNREACHABLE)).toBe(true);
  expect(String(error)).toContain(`127.0.0.1:${port}`);
});

test.each([
  ["127.0.0.1", 0],
  ["0.0.0.0", 1],
])("listening on %s logs %i warnings", async (host, warnings) => {
  const lines: string[] = [];
  const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
  server = await serveMetrics(createMetricRegistry(), { host, port: 0 }, log);
  expect(lines.filter((line) => line.includes("plain text beyond this machine"))).toHaveLength(warnings);
});
