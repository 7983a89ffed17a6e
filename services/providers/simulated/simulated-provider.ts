// A host that is not there: it has no programs and no files, says so in its facts, and answers deterministically. Whatever it is
// told to change is handed to `execute`, which counts it.
import { createHash } from "node:crypto";
import type { Message } from "@bufbuild/protobuf";
import type { InstallPackagesResponse } from "../../gen/systemsmanager/mutation/v1/package_pb.js";
import type { ManageServiceRequest, ManageServiceResponse } from "../../gen/systemsmanager/mutation/v1/service_pb.js";
import type { ListPackagesRequest } from "../../gen/systemsmanager/telemetry/v1/package_pb.js";
import type { ListProcessesRequest } from "../../gen/systemsmanager/telemetry/v1/process_pb.js";
import type { ListServicesRequest } from "../../gen/systemsmanager/telemetry/v1/service_pb.js";
import { ErrorReason, failure } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { OperationContext, OSProvider } from "../os-provider.js";
import { createTraceSessions, type TraceSessions } from "../trace/trace-sessions.js";
import { createSimulatedPackages } from "./packages/simulated-packages.js";
import { listSimulatedProcesses } from "./process/simulated-processes.js";
import { createSimulatedServices } from "./service/simulated-services.js";
import type { SimulatedAnswers } from "./simulated-answers.js";
import { investigateSimulated } from "./trace/investigate-simulated.js";

export interface SimulatedProviderOptions {
  readonly hostId: string;
  readonly answers: SimulatedAnswers;
  readonly log: Logger;
  /** Called before each operation; throws what the operation then fails with. */
  readonly before?: (method: string) => void;
  /** Awaited when a change is carried out, dry runs excepted, with what it changed; throws what the change then fails with. */
  readonly execute: (method: string, subjects: readonly string[], signal: AbortSignal) => Promise<void>;
}

type Handler = (request: never, context: OperationContext) => Promise<object>;

/** The host id that belongs to a name. */
export function simulatedHostId(seed: string, name: string): string {
  return createHash("sha256").update(`${seed}\0${name}`).digest("hex").slice(0, 32);
}

/** One made-up host. What was changed is forgotten with the object. */
export function createSimulatedProvider(options: SimulatedProviderOptions): OSProvider {
  const sessions = createSimulatedSessions(options);
  const handlers: Record<string, Handler> = { ...createHandlers(options), ...sessions.handlers };
  const call = (method: string) => async (request: Message, context: OperationContext) => {
    options.before?.(method);
    const handler = handlers[method] ?? unsupported(method);
    const response = await handler(request as never, context);
    if (isChange(method, request)) await options.execute(method, subjectsOf(response), context.signal);
    return response;
  };
  const service = new Proxy({}, { get: (_, method: string) => call(method) });
  return {
    platform: "linux",
    telemetry: service as OSProvider["telemetry"],
    mutation: service as OSProvider["mutation"],
    facts: async () => simulatedFacts(options.hostId),
    close: () => sessions.close(),
  };
}

function createSimulatedSessions({ hostId, answers, log }: SimulatedProviderOptions): TraceSessions {
  return createTraceSessions((question) => investigateSimulated(answers.options.seed, hostId, question), log);
}

const changes = ["manageService", "installPackages", "removePackages", "updatePackages"];

function isChange(method: string, request: Message): boolean {
  return changes.includes(method) && !(request as Message & { dryRun: boolean }).dryRun;
}

function subjectsOf(response: object): string[] {
  return (response as InstallPackagesResponse | ManageServiceResponse).changes.map(({ subject }) => subject);
}

function createHandlers({ hostId, answers }: SimulatedProviderOptions): Record<string, Handler> {
  const { seed } = answers.options;
  const variant = answers.variantOf(hostId);
  const services = createSimulatedServices(seed, variant);
  const packages = createSimulatedPackages(seed, variant);
  return {
    getSystemSnapshot: async () => answers.snapshot(variant),
    listProcesses: async (request: ListProcessesRequest) => listSimulatedProcesses(seed, variant, request),
    listServices: async (request: ListServicesRequest) => services.list(request),
    listPackages: async (request: ListPackagesRequest) => packages.list(request),
    manageService: async (request: ManageServiceRequest) => services.manage(request),
    installPackages: async (request: PackagesRequest) => packages.install(request.packages, request.dryRun),
    removePackages: async (request: PackagesRequest) => packages.remove(request.packages, request.dryRun),
    updatePackages: async (request: PackagesRequest) => packages.update(request.packages, request.dryRun),
  };
}

interface PackagesRequest {
  readonly packages: string[];
  readonly dryRun: boolean;
}

function simulatedFacts(hostId: string) {
  return {
    hostId,
    os: "linux",
    distro: "emulated",
    distroLike: [],
    distroVersion: "1",
    kernel: "emulated",
    arch: "x64",
    cpuCount: 4,
    memoryBytes: 16n * 1024n ** 3n,
    capabilities: ["simulated"],
  };
}

function unsupported(method: string): Handler {
  return async () => {
    throw failure(ErrorReason.UNSUPPORTED, `simulated hosts cannot answer ${method}`, {
      metadata: { operation: method, needs: "a real host" },
      remedy: "ask real hosts, or ask simulated ones for snapshots, processes, services, packages and traced counts",
    });
  };
}
