// What a client gets: the same facts as text and as structure, within a budget, and errors that can be acted on.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/server/validators/ajv";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { createGateway } from "../../services/gateway/gateway.js";
import { renderPlan } from "../../services/gateway/render/render-plan.js";
import { structureSummary } from "../../services/gateway/render/render-run.js";
import { tools } from "../../services/gateway/tools/index.js";
import {
  type FindHostsRequest,
  FindHostsResponseSchema,
} from "../../services/gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import {
  type OpenResultRequest,
  OpenResultResponseSchema,
} from "../../services/gen/systemsmanager/fleet/v1/result_pb.js";
import { SummarySchema } from "../../services/gen/systemsmanager/fleet/v1/summary_pb.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";
import { connectInProcess, eras } from "./clients.js";
import { planHash, runId, simulatedPlan, simulateFleet } from "./simulated-fleet.js";
import { startGateway, structureOf, textOf } from "./start-gateway.js";

const accept = () => ({ action: "accept" as const, content: { confirm: true } });

/** A client in the same process, and the fleet behind its gateway. */
async function open() {
  const fleet = simulateFleet();
  const client = await connectInProcess(createGateway({ fleetFor: fleet.fleetFor }), "2026-07-28", { person: accept });
  return { fleet, client };
}

const calls: Record<string, Record<string, unknown>> = {
  get_process_details: { pid: 1 },
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
    const { fleet, client } = await open();
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
  const { fleet, client } = await open();
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
    const { client } = await open();
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
    const { client } = await open();
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

describe("a page", () => {
  test("of hosts has a line each, and says how to go on", async () => {
    const { client } = await open();
    const result = await client.callTool({ name: "find_hosts", arguments: { selector: "all" } });
    expect(textOf(result)).toBe(
      [
        "3 hosts match, 2 online; 1 on this page",
        "web-1  online  linux debian 12  kernel 6.1.0  x64  8 CPUs  16.0 GiB  role=web",
        "more: page_token p2",
      ].join("\n"),
    );
    expect(structureOf(result)).toMatchObject({
      matched_count: 3,
      next_page_token: "p2",
      hosts: [{ name: "web-1", online: true }],
    });
    await client.close();
  });

  test("of raw answers has each answer, or why there is none", async () => {
    const { client } = await open();
    const result = await client.callTool({ name: "open_result", arguments: { handle: "h1" } });
    expect(textOf(result)).toBe(
      [
        "2 match; 2 shown",
        "web-1: ok, group efefefefefef",
        '  {"services":[{"name":"nginx.service"}]}',
        "web-2: failed",
        "  [UNKNOWN_UNIT] no unit nginx.service",
      ].join("\n"),
    );
    expect(structureOf(result).items).toEqual([
      { hosts: ["web-1"], state: "ok", group: "efefefefefef", answer: { services: [{ name: "nginx.service" }] } },
      {
        hosts: ["web-2"],
        state: "failed",
        error: { reason: "UNKNOWN_UNIT", message: "no unit nginx.service", remedy: "install it" },
      },
    ]);
    await client.close();
  });

  test("of answers that do not fit is asked for again, shorter, so that its token goes on where it ends", async () => {
    const { fleet, client } = await open();
    const answerJson = JSON.stringify({ lines: Array.from({ length: 300 }, (_, index) => `line ${index} of the log`) });
    fleet.openResult = ({ pageSize }) =>
      create(OpenResultResponseSchema, {
        items: Array.from({ length: pageSize }, (_, index) => ({ hosts: [`web-${index}`], state: 1, answerJson })),
        matchedCount: 100,
        nextPageToken: `after ${pageSize}`,
      });
    const result = await client.callTool({ name: "open_result", arguments: { run_id: runId } });
    const [first, second] = fleet.requests<OpenResultRequest>("openResult");
    const items = structureOf(result).items as unknown[];
    expect(first?.pageSize).toBe(20);
    expect(items.length).toBe(second?.pageSize);
    expect(items.length).toBeLessThan(20);
    expect(structureOf(result).next_page_token).toBe(`after ${items.length}`);
    expect(countTokens(textOf(result))).toBeLessThan(6_500);
    await client.close();
  });

  test("with one answer that is too large cuts it and counts the cut", async () => {
    const { fleet, client } = await open();
    const answerJson = JSON.stringify({ text: "word ".repeat(50_000) });
    fleet.openResult = () =>
      create(OpenResultResponseSchema, { items: [{ hosts: ["web-1"], state: 1, answerJson }], matchedCount: 1 });
    const result = await client.callTool({ name: "open_result", arguments: { run_id: runId } });
    const [item] = structureOf(result).items as { answer: string; cut_characters: number }[];
    expect(item?.cut_characters).toBeGreaterThan(100_000);
    expect(textOf(result)).toContain(`${item?.cut_characters} characters cut at the end`);
    expect(countTokens(textOf(result))).toBeLessThan(6_500);
    await client.close();
  });

  test("of many hosts stays within its budget", async () => {
    const { fleet, client } = await open();
    fleet.findHosts = ({ pageSize }: FindHostsRequest) =>
      create(FindHostsResponseSchema, {
        hosts: Array.from({ length: pageSize }, (_, index) => ({
          facts: { name: `web-${index}`, os: "linux", distro: "debian", labels: { role: "web", rack: `r${index}` } },
          online: true,
        })),
        matchedCount: 1000,
        nextPageToken: `after ${pageSize}`,
      });
    const result = await client.callTool({ name: "find_hosts", arguments: { selector: "all", page_size: 1000 } });
    const hosts = structureOf(result).hosts as unknown[];
    expect(hosts.length).toBeGreaterThan(20);
    expect(structureOf(result).next_page_token).toBe(`after ${hosts.length}`);
    expect(countTokens(JSON.stringify(structureOf(result)))).toBeLessThan(4_500);
    await client.close();
  });
});
