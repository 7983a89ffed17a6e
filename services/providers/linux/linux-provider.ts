// Linux behind the OSProvider interface: each folder beside this file gives the handlers of one capability.
import { ErrorReason, hasReason } from "../../shared/errors.js";
import type { Logger } from "../../shared/log.js";
import type { OSProvider } from "../os-provider.js";
import { createEventStreams } from "../trace/event-streams.js";
import { createTraceSessions } from "../trace/trace-sessions.js";
import { readFacts } from "./facts.js";
import { listKernelModules } from "./kernel-module/list-kernel-modules.js";
import { createLogHandlers } from "./logs/query-logs.js";
import { createMutationHandlers } from "./mutation/create-mutation-handlers.js";
import { createPackageHandlers } from "./packages/list-packages.js";
import { selectPackageManager } from "./packages/select-package-manager.js";
import { createGetProcess } from "./process/get-process.js";
import { createListProcesses } from "./process/list-processes.js";
import { openProcSource } from "./procfs/open-proc-source.js";
import type { ProcSource } from "./procfs/proc-source.js";
import { createServiceHandlers } from "./service-manager/list-services.js";
import { hasSystemd } from "./service-manager/require-systemd.js";
import { createListSockets } from "./socket/list-sockets.js";
import { createGetSystemSnapshot } from "./system/get-system-snapshot.js";
import { openInvestigationsOf } from "./trace/open-investigation.js";
import { createGetTracingCapabilities } from "./trace-capability/get-tracing-capabilities.js";

export interface LinuxProviderOptions {
  readonly log: Logger;
  /** "auto", "native" or "procfs"; SYSTEMS_MANAGER_PROC_BACKEND by default, "auto" without it. */
  readonly procBackend?: string;
  /** Where a host without a machine id keeps one of its own. */
  readonly stateDirectory?: string;
}

/** The provider of this host. Throws UNSUPPORTED when the native backend was demanded and is not built. */
export async function createLinuxProvider(options: LinuxProviderOptions): Promise<OSProvider> {
  const { log, stateDirectory, procBackend = process.env.SYSTEMS_MANAGER_PROC_BACKEND ?? "auto" } = options;
  const source = openProcSource(procBackend, log);
  const investigations = openInvestigationsOf();
  const sessions = createTraceSessions(investigations.open, log);
  const streams = createEventStreams(investigations.openStream, sessions, log);
  return {
    platform: "linux",
    telemetry: {
      getSystemSnapshot: createGetSystemSnapshot(),
      listProcesses: createListProcesses(source),
      getProcess: createGetProcess(source),
      listSockets: createListSockets(source),
      listKernelModules,
      ...createServiceHandlers(),
      ...createLogHandlers(),
      ...createPackageHandlers(),
      getTracingCapabilities: createGetTracingCapabilities(investigations.openByKernel),
      ...sessions.handlers,
    },
    mutation: createMutationHandlers(),
    traceEvents: streams,
    facts: async () => readFacts(await detectCapabilities(source), stateDirectory),
    // A walk of /proc that still runs ends by itself; nothing else is held between calls.
    close: () => sessions.close(),
  };
}

/** What this host has beyond every Linux: "systemd", the name of its package manager, "native". */
async function detectCapabilities(source: ProcSource): Promise<string[]> {
  return [
    ...(hasSystemd() ? ["systemd"] : []),
    ...(await detectPackageManager()),
    ...(source.backend !== "procfs" ? ["native"] : []),
  ];
}

async function detectPackageManager(): Promise<string[]> {
  try {
    return [(await selectPackageManager("facts")).traits.name];
  } catch (error) {
    if (hasReason(error, ErrorReason.UNSUPPORTED)) return [];
    throw error;
  }
}
