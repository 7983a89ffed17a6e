// Pages of hosts and of raw answers, within their budget.
import { create } from "@bufbuild/protobuf";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import {
  type FindHostsRequest,
  FindHostsResponseSchema,
} from "../../services/gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import {
  type OpenResultRequest,
  OpenResultResponseSchema,
} from "../../services/gen/systemsmanager/fleet/v1/result_pb.js";
import { openInProcess } from "./open-in-process.js";
import { runId } from "./simulated-fleet.js";
import { structureOf, textOf } from "./start-gateway.js";

describe("a page", () => {
  test("of hosts has a line each, and says how to go on", async () => {
    const { client } = await openInProcess();
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
    const { client } = await openInProcess();
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
    const { fleet, client } = await openInProcess();
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
    const { fleet, client } = await openInProcess();
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
    const { fleet, client } = await openInProcess();
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
