// A client of one control plane, as a service would be one: over gRPC, with a token, and without patience for a dead one.
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { FleetService } from "../../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import type { ResultItem } from "../../../services/gen/systemsmanager/fleet/v1/result_pb.js";
import type { Accounting } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { bearer } from "../../../services/shared/bearer.js";
import type { Account, HostView, RunView } from "../history.js";

export interface FleetClient {
  readonly fleet: Client<typeof FleetService>;
  /** Hosts that are online; undefined when the control plane does not answer. */
  countOnline(): Promise<number | undefined>;
  /** The run with every host of it. Throws when it cannot be had now. */
  openRun(runId: string, moment: string): Promise<RunView>;
  /** The run that carried a plan out; undefined when none did. */
  runOfPlan(planHash: string): Promise<string | undefined>;
}

const callTimeoutMs = 10_000;
const pageSize = 1_000;

/** Connects with the first call, and again after each failure. */
export function connectClient(url: string, token: string): FleetClient {
  const transport = createGrpcTransport({ baseUrl: url, interceptors: [bearer(token)] });
  const fleet = createClient(FleetService, transport);
  const call = { timeoutMs: callTimeoutMs };

  async function openHosts(runId: string): Promise<HostView[]> {
    const hosts: HostView[] = [];
    for (let pageToken = ""; ; ) {
      const target = { case: "runId" as const, value: runId };
      const page = await fleet.openResult({ target, pageSize, pageToken }, call);
      hosts.push(...page.items.flatMap(hostViews));
      if (page.nextPageToken === "") return hosts;
      pageToken = page.nextPageToken;
    }
  }

  return {
    fleet,
    async countOnline() {
      try {
        return (await fleet.findHosts({ selector: "all", pageSize: 1 }, call)).onlineCount;
      } catch {
        // It is down, or knows of no host yet: whoever asks will ask again.
        return undefined;
      }
    },
    async openRun(runId, moment) {
      // A late answer may come between the two calls; then both are made again.
      for (;;) {
        const { run } = await fleet.getRun({ runId }, call);
        const hosts = await openHosts(runId);
        const again = await fleet.getRun({ runId }, call);
        if (!run?.accounting || again.run?.revision !== run.revision) continue;
        if (again.run.accounting?.queued !== run.accounting.queued) continue;
        const { duplicateReplies, lateReplies } = run.accounting;
        const counts = { account: accountOf(run.accounting), duplicateReplies, lateReplies };
        return { moment, ...counts, isFinished: run.finishedAt !== undefined, revision: run.revision, hosts };
      }
    },
    async runOfPlan(planHash) {
      const { runId } = await fleet.getPlan({ planHash }, call);
      return runId === "" ? undefined : runId;
    },
  };
}

/** The eight states and their sum, without the rest of the message. */
export function accountOf(accounting: Accounting): Account {
  const { targeted, ok, failed, denied, expired, queued, cancelled, noAnswer, indeterminate } = accounting;
  return { targeted, ok, failed, denied, expired, queued, cancelled, noAnswer, indeterminate };
}

function hostViews({ hosts, state, digest, answerJson, error }: ResultItem): HostView[] {
  const reason = error ? { reason: error.reason } : {};
  return hosts.map((name) => ({ name, state, digest, hasBody: answerJson !== "", ...reason }));
}
