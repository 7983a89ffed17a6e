// The official MCP conformance suite against the gateway with the suite's fixtures beside the product's own tools. What
// the suite runs and does not score (extensions such as tasks; scenarios that its own reference server cannot pass yet,
// such as custom parameter headers) is printed, not asserted.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGateway, type HttpServer } from "../../services/gateway/gateway.js";
import { simulateFleet } from "../gateway/simulated-fleet.js";
import { fixtureExtension } from "./fixture-extension.js";
import { fixtureTools } from "./fixture-tools.js";
import { findSuiteNode, requiredScenarios, runSuite, type ScenarioResult } from "./run-suite.js";

const node = findSuiteNode();
if (!node) console.log("conformance is skipped: the suite needs Node 22 or newer, and this machine has none for it");

describe.skipIf(!node && !process.env.CI).each(["2026-07-28", "2025-11-25"])("conformance with %s", (revision) => {
  const required = requiredScenarios(revision);
  let server: HttpServer;
  let results: Map<string, ScenarioResult>;

  beforeAll(async () => {
    if (!node) throw new Error("the conformance suite needs Node 22 or newer");
    const gateway = createGateway({
      fleetFor: simulateFleet().fleetFor,
      tools: fixtureTools,
      extension: fixtureExtension,
    });
    const authenticate = () => ({ name: "conformance" });
    server = await gateway.serveHttp({ listen: { host: "127.0.0.1", port: 0 }, authenticate });
    results = await runSuite(node, server.url, revision);
    const unscored = [...results.values()].filter(({ scenario }) => !required.includes(scenario));
    const lines = unscored.map(({ scenario, failures }) => `${failures.length === 0 ? "passes" : "fails"} ${scenario}`);
    console.log(`not scored for ${revision}: ${lines.join(", ")}`);
  }, 120_000);

  afterAll(() => server?.close());

  test.each(required)("%s", (scenario) => {
    const result = results.get(scenario);
    expect(result?.failures).toEqual([]);
    expect(result?.passed).toBeGreaterThan(0);
  });
});
