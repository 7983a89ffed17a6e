// A change in waves as an agent sees it: a gateway in front of a real control plane with simulated hosts.
import { type Client as ModernClient, specTypeSchemas, withInputRequired } from "@modelcontextprotocol/client";
import { afterEach, describe, expect, test } from "vitest";
import { createGateway } from "../../services/gateway/gateway.js";
import { type FleetInWaves, startFleetInWaves } from "../fleet/rollout/fleet-in-waves.js";
import { type AnyClient, connectInProcess, eras, type Person } from "./clients.js";
import { structureOf, textOf } from "./start-gateway.js";

let fleet: FleetInWaves;
let client: AnyClient;

afterEach(async () => {
  await client.close();
  await fleet.close();
});

async function connect(era: (typeof eras)[number]["era"], person?: Person): Promise<void> {
  fleet = await startFleetInWaves(20);
  const gateway = createGateway({ fleetFor: () => fleet.client });
  client = await connectInProcess(gateway, era, person ? { person } : {});
}

const commit = (given: Record<string, unknown>) => client.callTool({ name: "commit_change", arguments: given });

describe.each(eras)("a client of $era", ({ era }) => {
  test("commits in waves, is told that they halted, and goes on with them after the person agreed again", async () => {
    const prompts: string[] = [];
    await connect(era, (message) => {
      prompts.push(message);
      return { action: "accept", content: { confirm: true } };
    });
    const canary = fleet.order.slice(0, 2);
    fleet.effects.set(canary[0] as string, "fails");
    const planHash = await fleet.plan();
    const given = { plan_hash: planHash, canary: 2, batch: "50%", max_failed: "0", pause_seconds: 0 };
    const halted = await commit(given);
    expect(halted.isError, textOf(halted)).toBeFalsy();
    expect(structureOf(halted)).toMatchObject({
      hosts: { targeted: 20, ok: 1, failed: 1, queued: 18 },
      rollout: { state: "halted", wave: 1, wave_count: 3, halt_reason: "canary_failed", counted_hosts: [canary[0]] },
    });
    expect(textOf(halted)).toContain("Rollout halted: wave 1 of 3, sent to 2 of 20 hosts");
    expect(textOf(halted)).toContain(`call commit_change with plan_hash ${planHash} and resume`);
    expect(prompts[0]).toContain("Rollout: canary 2, batch 50%, max_failed 0, pause_seconds 0.");

    const again = await commit({ plan_hash: planHash });
    expect(structureOf(again)).toMatchObject({ reason: "PLAN_CONSUMED" });
    expect(textOf(again)).toContain("call again with resume");

    const done = await commit({ plan_hash: planHash, resume: true, max_failed: 1 });
    expect(done.isError, textOf(done)).toBeFalsy();
    expect(structureOf(done)).toMatchObject({ hosts: { ok: 19, failed: 1 }, rollout: { state: "finished" } });
    expect(prompts).toHaveLength(2);
    expect(prompts[1]).toContain("Go on with ManageService on the other 18 of 20 hosts?");
    expect(prompts[1]).toContain("It halted in wave 1 of 3: 1 failed or silent");
    expect(prompts[1]).toContain("resume true");
    const nothing = await commit({ plan_hash: planHash, resume: true });
    expect(structureOf(nothing)).toMatchObject({ reason: "ROLLOUT_OVER", metadata: { state: "finished" } });
  });

  test("sends nothing further when the person does not agree to go on", async () => {
    let agrees = true;
    await connect(era, () => ({ action: "accept", content: { confirm: agrees } }));
    fleet.effects.set(fleet.order[0] as string, "fails");
    const planHash = await fleet.plan();
    await commit({ plan_hash: planHash, pause_seconds: 0 });
    agrees = false;
    const refused = await commit({ plan_hash: planHash, resume: true });
    expect(structureOf(refused)).toMatchObject({ reason: "CONFIRMATION_DECLINED" });
    expect(fleet.changed).toHaveLength(1);
  });
});

test("a confirmation that is replayed resumes no later halt", async () => {
  await connect("2026-07-28", () => ({ action: "accept", content: { confirm: true } }));
  for (const index of [0, 3, 4]) fleet.effects.set(fleet.order[index] as string, "fails");
  const planHash = await fleet.plan();
  await commit({ plan_hash: planHash, batch: "5", max_failed: "1", pause_seconds: 0 });
  const resultSchema = withInputRequired(specTypeSchemas.CallToolResult);
  const round = (more: Record<string, unknown>) => {
    const params = { name: "commit_change", arguments: { plan_hash: planHash, resume: true }, ...more };
    const request = { method: "tools/call" as const, params };
    return (client as ModernClient).request(request, resultSchema, { allowInputRequired: true });
  };
  const { requestState } = (await round({})) as { requestState: string };
  const inputResponses = { confirm: { action: "accept", content: { confirm: true } } };
  for (let replay = 0; replay < 3; replay++) {
    const answer = await round({ requestState, inputResponses });
    expect(structureOf(answer)).toMatchObject({ rollout: { state: "halted", wave: 2, halt_count: 2 } });
  }
  expect(fleet.changed).toHaveLength(6);
});

describe("arguments of a rollout", () => {
  test.each([
    [{ canary: "many" }, 'argument canary cannot be "many"'],
    [{ batch: "120%" }, 'argument batch cannot be "120%"'],
    [{ max_failed: -1 }, "argument max_failed cannot be -1"],
    [{ pause_seconds: -1 }, "argument pause_seconds cannot be -1"],
    [{ resume: "yes" }, 'argument resume cannot be "yes"'],
    [{ resume: true, canary: "1" }, 'there is no argument "canary"'],
  ])("%j is refused", async (given, says) => {
    await connect("2026-07-28");
    const result = await commit({ plan_hash: "ab".repeat(32), ...given });
    expect(structureOf(result)).toMatchObject({ reason: "INVALID_ARGUMENT" });
    expect(textOf(result)).toContain(says);
  });

  test("resume of a plan that was not committed says so", async () => {
    await connect("2026-07-28");
    const result = await commit({ plan_hash: await fleet.plan(), resume: true });
    expect(structureOf(result)).toMatchObject({ reason: "ROLLOUT_OVER", metadata: { state: "not committed" } });
  });

  test("a client that cannot ask a person is told the command line", async () => {
    await connect("2026-07-28");
    fleet.effects.set(fleet.order[0] as string, "fails");
    const planHash = await fleet.plan();
    const events = fleet.client.commitChange({ planHash, confirmation: { method: 2 }, rollout: { pause: {} } });
    for await (const _ of events);
    const result = await commit({ plan_hash: planHash, resume: true });
    expect(structureOf(result)).toMatchObject({ reason: "CONFIRMATION_UNAVAILABLE" });
    expect(textOf(result)).toMatch(/systems-manager resume [0-9a-f-]{36}/);
  });
});
