// Asking as an agent does, through MCP over HTTP, and as a service does, through gRPC.
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client as ConnectClient, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { FleetService } from "../../services/gen/systemsmanager/fleet/v1/fleet_service_pb.js";
import { TelemetryService } from "../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { bearer } from "../../services/shared/bearer.js";
import { ErrorReason, hasReason } from "../../services/shared/errors.js";
import { operationName } from "../../services/shared/operations.js";
import { connectMcp } from "./connect-mcp.js";
import type { ControlPlaneProcess } from "./fleet-processes.js";

/** One question and what became of it. */
export interface Asked {
  /** From the call to the finished summary. */
  readonly milliseconds: number;
  readonly runId: string;
  readonly targeted: number;
  readonly ok: number;
}

export interface Asker {
  readonly grpc: ConnectClient<typeof FleetService>;
  /** A tool call over MCP. Throws what the gateway said when it was refused. */
  overMcp(selector: string): Promise<Asked>;
  /** FleetService.Run. */
  overGrpc(selector: string): Promise<Asked>;
  /** Milliseconds from the start of a run to its last host's answer. */
  lastHost(runId: string): Promise<number>;
  close(): Promise<void>;
}

const question = TelemetryService.method.getSystemSnapshot;
/** The request of FleetService.Run that asks what the tool asks. */
export const questionRequest = {
  method: operationName(question),
  request: toBinary(question.input, create(question.input)),
};
const tool = "capture_system_snapshot";
const timeoutMs = 120_000;

/** Connects both. */
export async function openAsker({ mcpUrl, grpcUrl, token }: ControlPlaneProcess): Promise<Asker> {
  const mcp = await connectMcp(mcpUrl, token);
  const grpc = createClient(FleetService, createGrpcTransport({ baseUrl: grpcUrl, interceptors: [bearer(token)] }));
  return {
    grpc,
    async overMcp(selector) {
      const start = performance.now();
      const given = { selector, timeout_seconds: timeoutMs / 1000 };
      const result = await mcp.callTool({ name: tool, arguments: given }, { timeout: timeoutMs });
      const milliseconds = performance.now() - start;
      if (result.isError) throw new Error(textOf(result.content));
      const { run_id, hosts } = result.structuredContent as { run_id: string; hosts: Record<string, number> };
      return { milliseconds, runId: run_id, targeted: hosts.targeted ?? 0, ok: hosts.ok ?? 0 };
    },
    async overGrpc(selector) {
      const start = performance.now();
      const timeout = durationFromMs(timeoutMs);
      let asked: Asked | undefined;
      // To the stream's end: a call that is left before keeps its deadline's timer.
      for await (const { event } of grpc.run({ selector, ...questionRequest, timeout }, { timeoutMs })) {
        if (event.case !== "finished") continue;
        const { runId = "", accounting } = event.value.run ?? {};
        const milliseconds = performance.now() - start;
        asked = { milliseconds, runId, targeted: accounting?.targeted ?? 0, ok: accounting?.ok ?? 0 };
      }
      if (asked) return asked;
      throw new Error("the run ended without a summary");
    },
    async lastHost(runId) {
      const { run } = await grpc.getRun({ runId });
      if (!run?.startedAt || !run.finishedAt) throw new Error(`run ${runId} has not ended`);
      return timestampMs(run.finishedAt) - timestampMs(run.startedAt);
    },
    close: () => mcp.close(),
  };
}

/** Resolves with the milliseconds until the inventory says that so many hosts are online. */
export async function waitForHosts({ grpc }: Asker, count: number, patienceMs: number): Promise<number> {
  const start = performance.now();
  let online = 0;
  while (performance.now() - start < patienceMs) {
    online = await countOnline(grpc);
    if (online >= count) return performance.now() - start;
    await sleep(200);
  }
  throw new Error(`after ${patienceMs / 1000} s only ${online} of ${count} hosts are online`);
}

async function countOnline(grpc: Asker["grpc"]): Promise<number> {
  try {
    return (await grpc.findHosts({ selector: "all", pageSize: 1 })).onlineCount;
  } catch (error) {
    // Before the first host there is nobody to find.
    if (hasReason(error, ErrorReason.NO_HOST_MATCHES)) return 0;
    throw error;
  }
}

function textOf(content: unknown): string {
  return (content as { text?: string }[]).map(({ text = "" }) => text).join("\n");
}
