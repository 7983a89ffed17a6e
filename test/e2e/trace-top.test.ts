// A top over five real hosts and a thousand emulated ones: what is shown is the exact merge of what each host answered.
import { join } from "node:path";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import type { TraceFinished, TraceInterval } from "../../services/gen/systemsmanager/fleet/v1/trace_fleet_pb.js";
import { TraceKey, TraceSource } from "../../services/gen/systemsmanager/trace/v1/question_pb.js";
import { bearer } from "../../services/shared/bearer.js";
import { requireHosts } from "../hosts/hosts.js";
import { waitFor } from "../shared/wait-for.js";
import { type CommandProcess, startCommand } from "./command-process.js";
import { type FiveHosts, hostNames, startFiveHosts } from "./five-hosts.js";

const emulated = 1_000;
const all = emulated + hostNames.length;
const removals = 137;
const limit = 5;

interface HostAnswer {
  readonly reading: {
    readonly rows?: { readonly key: string; readonly count: string }[];
    readonly otherCount?: string;
  };
}

describe.skipIf(await requireHosts())("a top of five real and a thousand emulated hosts", { timeout: 120_000 }, () => {
  let fleet: FiveHosts;
  let emulator: CommandProcess;
  let client: ReturnType<typeof clientOf>;

  beforeAll(async () => {
    fleet = await startFiveHosts();
    const { addresses, stateDirectory } = fleet.controlPlane;
    const key = join(stateDirectory, "fleet.pub");
    emulator = startCommand(["emulate", "--hosts", `${emulated}`, "--relay", addresses.relay, "--fleet-key", key]);
    client = clientOf(fleet);
    const online = async () => (await client.findHosts({ selector: "all", pageSize: 1 })).onlineCount;
    await waitFor(async () => (await online().catch(() => 0)) === all, `${all} hosts online`, 120_000);
  }, 600_000);

  afterAll(async () => {
    await emulator?.stop("SIGTERM");
    await fleet?.[Symbol.asyncDispose]();
  });

  function clientOf({ controlPlane: { addresses, token } }: FiveHosts) {
    return createClient(FleetService, createGrpcTransport({ baseUrl: addresses.grpc, interceptors: [bearer(token)] }));
  }

  // Two of the real hosts remove files while everybody counts.
  async function traceRemovals() {
    const question = { source: TraceSource.FILE_UNLINK, by: TraceKey.COMM, limit: 100 };
    const intervals: TraceInterval[] = [];
    let finished: TraceFinished | undefined;
    const request = {
      selector: "all",
      question: { question: { case: "count" as const, value: question } },
      duration: durationFromMs(8_000),
      interval: durationFromMs(2_000),
      limit,
    };
    for await (const { event } of client.trace(request)) {
      if (event.case === "started") await Promise.all([remove("deb-a", removals), remove("pacman-a", 2 * removals)]);
      if (event.case === "interval") intervals.push(event.value);
      if (event.case === "finished") finished = event.value;
    }
    return { intervals, finished: finished as TraceFinished };
  }

  async function remove(host: string, count: number) {
    const script = `process.title = "remover"; const fs = require("fs");
      for (let i = 0; i < ${count}; i++) { fs.writeFileSync("/run/removed", ""); fs.unlinkSync("/run/removed"); }`;
    await fleet.hosts.host(host).run(["/usr/bin/node", "-e", script]);
  }

  async function answersOf(runId: string): Promise<Map<string, HostAnswer>> {
    const answers = new Map<string, HostAnswer>();
    for (let pageToken = ""; ; ) {
      const page = await client.openResult({ target: { case: "runId", value: runId }, pageSize: 1_000, pageToken });
      for (const { hosts, answerJson, omittedCount } of page.items) {
        expect(omittedCount).toBe(0);
        for (const host of hosts) answers.set(host, JSON.parse(answerJson));
      }
      pageToken = page.nextPageToken;
      if (pageToken === "") return answers;
    }
  }

  test("its rows, and the count of all others, are the sums over the hosts' own answers", async () => {
    const { intervals, finished } = await traceRemovals();
    for (const { run } of [...intervals, finished]) expect(run?.accounting).toMatchObject({ targeted: all, ok: all });
    const answers = await answersOf(finished.run?.runId ?? "");
    expect(answers.size).toBe(all);

    const sums = new Map<string, bigint>();
    let others = 0n;
    for (const { reading } of answers.values()) {
      for (const { key, count } of reading.rows ?? []) sums.set(key, (sums.get(key) ?? 0n) + BigInt(count));
      others += BigInt(reading.otherCount ?? 0);
    }
    const greatestFirst = [...sums].sort(([, one], [, other]) => Number(other - one));
    const rest = greatestFirst.slice(limit).reduce((sum, [, count]) => sum + count, others);
    expect(finished.merged?.rows.map(({ key, count }) => [key, count])).toEqual(greatestFirst.slice(0, limit));
    expect(finished.merged?.otherCount).toBe(rest);
    expect(finished.merged?.backend).toBe("bpf, simulated");

    const removedBy = (host: string) => answers.get(host)?.reading.rows?.find(({ key }) => key === "remover")?.count;
    expect([removedBy("deb-a"), removedBy("pacman-a")]).toEqual([`${removals}`, `${2 * removals}`]);
    expect([removedBy("deb-b"), removedBy("dnf-a"), removedBy("zypper-a")]).toEqual([undefined, undefined, undefined]);
    const [account] = finished.merged?.accounts ?? [];
    expect(account?.delivered).toBe([...sums.values()].reduce((sum, count) => sum + count, 0n));
  });
});
