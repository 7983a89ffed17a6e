// A simulated FleetService: it keeps what it was asked and answers from a script. The real one is exercised end to end
// elsewhere.
import { EventEmitter, once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type ConnectRouter,
  createClient,
  createRouterTransport,
  type HandlerContext,
  type Interceptor,
} from "@connectrpc/connect";
import type { FleetClient } from "../../services/gateway/gateway.js";
import type { CommitChangeRequest, PlanChangeRequest } from "../../services/gen/systemsmanager/fleet/v1/change_pb.js";
import {
  type FindHostsRequest,
  type FindHostsResponse,
  FindHostsResponseSchema,
} from "../../services/gen/systemsmanager/fleet/v1/find_hosts_pb.js";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import {
  type OpenResultRequest,
  type OpenResultResponse,
  OpenResultResponseSchema,
} from "../../services/gen/systemsmanager/fleet/v1/result_pb.js";
import type { RunRequest } from "../../services/gen/systemsmanager/fleet/v1/run_operation_pb.js";
import { type Plan, PlanSchema, RunFinishedSchema } from "../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { Risk } from "../../services/gen/systemsmanager/options/v1/options_pb.js";
import { type Principal, principalKey } from "../../services/identity/principal.js";
import { ErrorReason, failure } from "../../services/shared/errors.js";

export const runId = "6f1d3c52-7a51-4f0e-9a63-2f60a1a3c001";
export const planHash = "ab".repeat(32);
export const otherPlanHash = "cd".repeat(32);

/** What the fleet was asked, in order: the rpc, the principal, the request. */
export interface Asked {
  readonly rpc: string;
  readonly principal: string;
  readonly request: unknown;
}

export interface SimulatedFleet {
  readonly fleetFor: (principal: Principal) => FleetClient;
  readonly asked: Asked[];
  /** Requests of one rpc. */
  requests<Request>(rpc: string): Request[];
  /** Plans that can be committed, by hash. */
  readonly plans: Map<string, Plan>;
  /** Set to make the next call fail. */
  failWith: Error | undefined;
  /** Hosts that answer, one progress event each, before the run ends. */
  answering: number;
  /** Pages of hosts. */
  findHosts: (request: FindHostsRequest) => FindHostsResponse;
  /** Pages of raw answers. */
  openResult: (request: OpenResultRequest) => OpenResultResponse;
  /** Runs get their id when it is fulfilled. */
  beforeStart: Promise<void>;
  /** When set, runs wait for cancelRun after their first progress event. */
  waitForCancel: boolean;
}

/** Makes a fleet of five simulated hosts. */
export function simulateFleet(): SimulatedFleet {
  const asked: Asked[] = [];
  const consumed = new Set<string>();
  const cancelled = new EventEmitter();
  const fleet: SimulatedFleet = {
    asked,
    requests: <Request>(rpc: string) => asked.filter((one) => one.rpc === rpc).map((one) => one.request as Request),
    plans: new Map([planHash, otherPlanHash].map((hash) => [hash, simulatedPlan(hash)])),
    failWith: undefined,
    answering: 5,
    findHosts: simulatedHosts,
    openResult: simulatedPage,
    beforeStart: Promise.resolve(),
    waitForCancel: false,
    fleetFor: (principal) => {
      const asPrincipal: Interceptor = (next) => (request) => {
        request.contextValues.set(principalKey, principal);
        return next(request);
      };
      return createClient(FleetService, createRouterTransport(serve, { router: { interceptors: [asPrincipal] } }));
    },
  };

  function note(rpc: string, request: unknown, context: HandlerContext): void {
    asked.push({ rpc, principal: context.values.get(principalKey).name, request });
    if (fleet.failWith) throw fleet.failWith;
  }

  async function* events() {
    await fleet.beforeStart;
    yield { event: { case: "started" as const, value: { runId, targeted: 5 } } };
    for (let ok = 1; ok <= fleet.answering; ok++) {
      yield { event: { case: "progress" as const, value: { accounting: { targeted: 5, ok, queued: 5 - ok } } } };
      if (fleet.waitForCancel && ok === 1) await once(cancelled, "cancel");
    }
  }

  function serve(router: ConnectRouter): void {
    router.service(FleetService, {
      findHosts(request, context) {
        note("findHosts", request, context);
        return fleet.findHosts(request);
      },
      async *run(request: RunRequest, context) {
        note("run", request, context);
        yield* events();
        yield { event: { case: "finished" as const, value: simulatedFinish() } };
      },
      async *planChange(request: PlanChangeRequest, context) {
        note("planChange", request, context);
        yield* events();
        const plan = simulatedPlan(planHash, { method: request.method, request: request.request });
        fleet.plans.set(planHash, plan);
        yield { event: { case: "planned" as const, value: plan } };
      },
      getPlan(request, context) {
        note("getPlan", request, context);
        const plan = fleet.plans.get(request.planHash);
        if (!plan) throw unknownPlan(request.planHash);
        return { plan, runId: consumed.has(request.planHash) ? runId : "" };
      },
      async *commitChange(request: CommitChangeRequest, context) {
        note("commitChange", request, context);
        if (!fleet.plans.has(request.planHash)) throw unknownPlan(request.planHash);
        if (consumed.has(request.planHash)) {
          throw failure(ErrorReason.PLAN_CONSUMED, "the plan was committed before", {
            metadata: { plan_hash: request.planHash },
          });
        }
        consumed.add(request.planHash);
        yield* events();
        yield { event: { case: "finished" as const, value: simulatedFinish() } };
      },
      cancelRun(request, context) {
        note("cancelRun", request, context);
        cancelled.emit("cancel");
        return {};
      },
      openResult(request, context) {
        note("openResult", request, context);
        return fleet.openResult(request);
      },
    });
  }

  return fleet;
}

function unknownPlan(hash: string): Error {
  return failure(ErrorReason.UNKNOWN_PLAN, `no plan has the hash ${hash}`, {
    metadata: { plan_hash: hash },
    remedy: "make a new plan",
  });
}

/** A plan to restart nginx on five hosts, one excluded. */
export function simulatedPlan(hash: string, changes: Partial<Plan> = {}): Plan {
  const plan = create(PlanSchema, {
    planHash: hash,
    method: "systemsmanager.mutation.v1.MutationService/ManageService",
    request: new Uint8Array([0x0a, 0x0d, ...Buffer.from("nginx.service"), 0x10, 3]),
    hosts: ["db-1", "web-1", "web-2", "web-3", "web-4"],
    excluded: [
      { reason: ErrorReason.UNKNOWN_UNIT, state: "failed", message: "no such unit", hostCount: 1, hosts: ["old-1"] },
    ],
    expiresAt: timestampFromDate(new Date("2026-12-01T12:00:00Z")),
    risk: Risk.REVERSIBLE,
    changingHostCount: 4,
    summary: { runId, revision: 1, text: "5 of 5 hosts answered. nginx.service: restart on 4." },
  });
  return Object.assign(plan, changes);
}

/** A finished run with something in every section that a test looks at. */
export function simulatedFinish() {
  return create(RunFinishedSchema, {
    run: { runId, accounting: { targeted: 5, ok: 4, noAnswer: 1 } },
    summary: {
      runId,
      revision: 1,
      text: "4 of 5 hosts answered; no_answer: web-4.\nnginx.service is active on 3 of 4; failed on web-2.",
      textTokens: 30,
      majority: [{ path: "services.active_state", key: "nginx.service", value: "active", hostCount: 3, ofHosts: 4 }],
      deviations: [
        {
          path: "services.active_state",
          key: "nginx.service",
          value: "failed",
          hostCount: 1,
          ofHosts: 4,
          hosts: ["web-2"],
          majorityValue: "active",
          surprise: 2.5,
        },
      ],
      totals: [{ path: "failed_count", sum: 1, hostCount: 4 }],
      counts: [{ path: "services.active_state", value: "active", count: 300n, hostCount: 4 }],
      omissions: [{ what: "majority rows", count: 12n }],
      handles: [{ label: "all answers", handle: "h1" }],
    },
  });
}

function simulatedHosts() {
  const facts = {
    hostId: "0".repeat(32),
    name: "web-1",
    os: "linux",
    distro: "debian",
    distroVersion: "12",
    kernel: "6.1.0",
    arch: "x64",
    cpuCount: 8,
    memoryBytes: 17_179_869_184n,
    labels: { role: "web" },
  };
  return create(FindHostsResponseSchema, {
    hosts: [{ facts, online: true }],
    matchedCount: 3,
    onlineCount: 2,
    nextPageToken: "p2",
  });
}

function simulatedPage() {
  return create(OpenResultResponseSchema, {
    items: [
      { hosts: ["web-1"], state: 1, digest: "ef".repeat(32), answerJson: '{"services":[{"name":"nginx.service"}]}' },
      {
        hosts: ["web-2"],
        state: 2,
        error: { reason: ErrorReason.UNKNOWN_UNIT, message: "no unit nginx.service", remedy: "install it" },
      },
    ],
    matchedCount: 2,
    revision: 1,
  });
}
