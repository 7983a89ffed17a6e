import { getOption } from "@bufbuild/protobuf";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { tools } from "../../services/gateway/tools/index.js";
import { MutationService } from "../../services/gen/systemsmanager/mutation/v1/mutation_service_pb.js";
import { operation, Risk } from "../../services/gen/systemsmanager/options/v1/options_pb.js";
import { TelemetryService } from "../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { eras } from "./clients.js";
import { startGateway } from "./start-gateway.js";

const budget = 3_500;

describe("tool definitions", () => {
  test.each(eras)("of $era fit the token budget as a client gets them", async ({ connect }) => {
    const { url } = await startGateway();
    const client = await connect(url);
    const { tools: listed } = await client.listTools();
    const tokens = countTokens(JSON.stringify({ tools: listed }));
    expect(listed.map(({ name }) => name)).toEqual(tools.map(({ definition }) => definition.name));
    expect(tokens).toBeGreaterThan(1_000);
    expect(tokens).toBeLessThanOrEqual(budget);
    await client.close();
  });

  test("are as reviewed", async () => {
    const definitions = tools.map(({ definition }) => definition);
    await expect(`${JSON.stringify(definitions, null, 2)}\n`).toMatchFileSnapshot("__snapshots__/definitions.snap");
  });

  test.each(tools.map(({ definition }) => definition))("of $name are complete", (definition) => {
    expect(definition.name).toMatch(/^[a-z_]{1,32}$/);
    expect(definition.title).toBeTruthy();
    expect(definition.description).toBeTruthy();
    expect(definition.annotations?.readOnlyHint).toBeTypeOf("boolean");
    expect(definition.outputSchema?.type).toBe("object");
    expect(definition.inputSchema.type).toBe("object");
  });

  test("are eighteen at most, and every operation has one but those that agents reach by another", () => {
    expect(tools.length).toBeLessThanOrEqual(18);
    // A trace is read when it is stopped, and says itself what this host cannot tell.
    const withoutTool = [TelemetryService.method.readTraceSession, TelemetryService.method.getTracingCapabilities];
    const operations = TelemetryService.methods.length + MutationService.methods.length - withoutTool.length;
    const others = ["find_hosts", "open_result", "commit_change"];
    expect(tools.length).toBe(operations + others.length);
  });
});

const byRisk = [
  { tool: "list_services", method: TelemetryService.method.listServices },
  { tool: "query_system_logs", method: TelemetryService.method.queryLogs },
  { tool: "manage_service", method: MutationService.method.manageService },
  { tool: "install_applications", method: MutationService.method.installPackages },
  { tool: "remove_applications", method: MutationService.method.removePackages },
  { tool: "update", method: MutationService.method.updatePackages },
];

test.each(byRisk)("annotations of $tool follow the operation's option", ({ tool, method }) => {
  const { risk, idempotent } = getOption(method, operation);
  const annotations = tools.find(({ definition }) => definition.name === tool)?.definition.annotations;
  const reads = risk <= Risk.SENSITIVE_READ;
  expect(annotations?.readOnlyHint).toBe(reads);
  if (reads) return;
  expect(annotations?.destructiveHint).toBe(risk === Risk.DESTRUCTIVE);
  expect(annotations?.idempotentHint).toBe(idempotent);
});
