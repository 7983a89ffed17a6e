// What a client gets: the same facts as text and as structure, within a budget, and errors that can be acted on.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/server/validators/ajv";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { renderPlan } from "../../services/gateway/render/render-plan.js";
import { structureSummary } from "../../services/gateway/render/render-run.js";
import { tools } from "../../services/gateway/tools/index.js";
import { SummarySchema } from "../../services/gen/systemsmanager/fleet/v1/summary_pb.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { eras } from "./clients.js";
import { accept, openInProcess } from "./open-in-process.js";
import { planHash, runId, simulatedPlan } from "./simulated-fleet.js";
import { startGateway, structureOf, textOf } from "./start-gateway.js";

const calls: Record<string, Record<string, unknown>> = {
  get_process_details: { pid: 1 },
  start_system_trace: { what: "exec" },
  stop_system_trace: { session_id: "trace-1" },
  manage_service: { name: "nginx", action: "restart" },
  install_applications: { packages: ["jq"] },
  remove_applications: { packages: ["jq"] },
  optimize: { scopes: ["package_cache"] },
};
const withoutSelector: Record<string, Record<string, unknown>> = {
  commit_change: { plan_hash: planHash },
  open_result: { run_id: runId },
};

describe("the output schema", () => {
  const validators = new AjvJsonSchemaValidator();
  const every = tools.map(({ definition }) => definition);

  test.each(every)("of $name holds for its answer and for its failure", async ({ name, outputSchema }) => {
    const { fleet, client } = await openInProcess();
    const validate = validators.getValidator(outputSchema as never);
    const given = withoutSelector[name] ?? { selector: "all", ...calls[name] };
    const answer = await client.callTool({ name, arguments: given });
    expect(answer.isError, textOf(answer)).toBeFalsy();
    expect(validate(structureOf(answer))).toMatchObject({ valid: true });
    expect(validate({})).toMatchObject({ valid: false });
    fleet.failWith = failure(ErrorReason.BUSY, "the queue is full");
    const failed = await client.callTool({ name, arguments: given });
    expect(failed.isError).toBe(true);
    expect(validate(structureOf(failed))).toMatchObject({ valid: true });
    await client.close();
  });

  test.each(eras)("is enforced by the client of $era on answers and failures alike", async ({ connect }) => {
    const { fleet, url } = await startGateway();
    const client = await connect(url, { person: accept });
    await client.listTools();
    for (const { name } of every) {
      const given = withoutSelector[name] ?? { selector: "all", ...calls[name] };
      expect((await client.callTool({ name, arguments: given })).isError, name).toBeFalsy();
    }
    fleet.failWith = failure(ErrorReason.BUSY, "the queue is full");
    expect((await client.callTool({ name: "find_hosts", arguments: { selector: "all" } })).isError).toBe(true);
    await client.close();
  });
});

const failures: { named: string; error: Error; text: string; structure: Record<string, unknown> }[] = [
  {
    named: "a documented reason",
    error: failure(ErrorReason.UNKNOWN_HOST, 'no host is named "web-9"', {
      metadata: { host: "web-9", nearest: "web-1" },
      remedy: "use web-1",
    }),
    text: '[UNKNOWN_HOST] no host is named "web-9"; use web-1',
    structure: { reason: "UNKNOWN_HOST", remedy: "use web-1", metadata: { host: "web-9", nearest: "web-1" } },
  },
  {
    named: "a bare status",
    error: new ConnectError("fleet is away", Code.Unavailable),
    text: "[UNREACHABLE] fleet is away",
    structure: { reason: "UNREACHABLE", metadata: {} },
  },
  {
    named: "invisible characters",
    error: failure(ErrorReason.SELECTOR_SYNTAX, "bad\u202e\u200bselector\u0007"),
    text: "[SELECTOR_SYNTAX] badselector",
    structure: { reason: "SELECTOR_SYNTAX", message: "badselector" },
  },
];

test.each(failures)("an error with $named is a result that says so", async ({ error, text, structure }) => {
  const { fleet, client } = await openInProcess();
  fleet.failWith = error;
  for (const call of ["list_services", "find_hosts", "update"]) {
    const result = await client.callTool({ name: call, arguments: { selector: "web-9" } });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toBe(text);
    expect(structureOf(result)).toMatchObject(structure);
  }
  await client.close();
});

describe("a run", () => {
  test("has the fleet's text and the same facts, and nothing empty", async () => {
    const { client } = await openInProcess();
    const result = await client.callTool({ name: "list_services", arguments: { selector: "all" } });
    expect(textOf(result)).toMatch(/^4 of 5 hosts answered; no_answer: web-4\./);
    expect(structureOf(result)).toEqual({
      run_id: runId,
      hosts: { targeted: 5, ok: 4, no_answer: 1 },
      handles: [{ label: "all answers", handle: "h1" }],
      omissions: [{ what: "majority rows", count: 12 }],
      deviations: [
        {
          path: "services.active_state",
          key: "nginx.service",
          value: "failed",
          host_count: 1,
          of_hosts: 4,
          hosts: ["web-2"],
          majority_value: "active",
        },
      ],
      majority: [{ path: "services.active_state", key: "nginx.service", value: "active", host_count: 3, of_hosts: 4 }],
      totals: [{ path: "failed_count", sum: 1, host_count: 4 }],
      counts: [{ path: "services.active_state", value: "active", count: 300, host_count: 4 }],
    });
    await client.close();
  });

  test("keeps its structure within the budget, deviations first, the rest counted", () => {
    const finding = (index: number) => ({
      path: "packages.version",
      key: `package-${index}`,
      value: `1.${index}`,
      hostCount: 1,
      hosts: ["web-1"],
    });
    const rows = Array.from({ length: 300 }, (_, index) => finding(index));
    const summary = create(SummarySchema, {
      runId,
      deviations: rows.slice(0, 10),
      majority: rows,
      samples: [{ path: "x" }],
    });
    const structure = structureSummary(summary);
    const majority = structure.majority as unknown[];
    expect(structure.deviations).toHaveLength(10);
    expect(majority.length).toBeGreaterThan(5);
    expect(structure.omitted).toMatchObject({ majority: 300 - majority.length });
    expect(countTokens(JSON.stringify(structure))).toBeLessThan(2_200);
  });

  test("counts text that looks like a special token as the text it is", () => {
    const summary = create(SummarySchema, {
      runId,
      samples: [{ path: "message", value: "<|endoftext|><|fim_prefix|>" }],
    });
    expect(structureSummary(summary).samples).toEqual([{ path: "message", value: "<|endoftext|><|fim_prefix|>" }]);
  });
});

describe("a plan", () => {
  test("says hash, hosts, what changes, what is excluded, expiry and how to go on", async () => {
    const { client } = await openInProcess();
    const result = await client.callTool({ name: "update", arguments: { selector: "all" } });
    expect(textOf(result)).toBe(
      [
        "5 of 5 hosts answered. nginx.service: restart on 4.",
        "",
        "PLAN ONLY: nothing has changed.",
        `plan_hash: ${planHash}`,
        "hosts (5): db-1, web-1, web-2, web-3, web-4",
        "would change: 4 of 5 hosts",
        "excluded, dry run failed: 1 UNKNOWN_UNIT (old-1)",
        "expires: 2026-12-01T12:00:00.000Z",
        "To carry it out, call commit_change with this plan_hash; the person at the client is asked to confirm.",
      ].join("\n"),
    );
    expect(structureOf(result)).toEqual({
      plan_hash: planHash,
      expires_at: "2026-12-01T12:00:00.000Z",
      host_count: 5,
      hosts: ["db-1", "web-1", "web-2", "web-3", "web-4"],
      changing_host_count: 4,
      excluded: [{ reason: "UNKNOWN_UNIT", state: "failed", message: "no such unit", host_count: 1, hosts: ["old-1"] }],
      run_id: runId,
    });
    await client.close();
  });

  test.each([
    { when: "no host can do it", changes: { hosts: [], changingHostCount: 0 }, says: "Nothing can be committed" },
    { when: "every host is as asked", changes: { changingHostCount: 0 }, says: "There is nothing to commit" },
  ])("says that there is nothing to commit when $when", ({ changes, says }) => {
    expect(textOf(renderPlan(simulatedPlan(planHash, changes)))).toContain(says);
  });

  test("names a hundred of ten thousand hosts and counts the others", () => {
    const hosts = Array.from({ length: 10_000 }, (_, index) => `web-${index}`);
    const structure = structureOf(renderPlan(simulatedPlan(planHash, { hosts })));
    expect(structure.hosts).toHaveLength(100);
    expect(structure).toMatchObject({ host_count: 10_000, omitted_hosts: 9_900 });
  });
});
