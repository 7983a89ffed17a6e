// The product's tools, in the order in which a client lists them.
import type { Tool } from "../tool.js";
import { captureSystemSnapshot } from "./capture-system-snapshot.js";
import { commitChange } from "./commit-change.js";
import { findHosts } from "./find-hosts.js";
import { getNetworkConnections } from "./get-network-connections.js";
import { getProcessDetails } from "./get-process-details.js";
import { installApplications } from "./install-applications.js";
import { listKernelModules } from "./list-kernel-modules.js";
import { listPackages } from "./list-packages.js";
import { listProcesses } from "./list-processes.js";
import { listServices } from "./list-services.js";
import { manageService } from "./manage-service.js";
import { openResult } from "./open-result.js";
import { optimize } from "./optimize.js";
import { querySystemLogs } from "./query-system-logs.js";
import { removeApplications } from "./remove-applications.js";
import { startSystemTrace } from "./start-system-trace.js";
import { stopSystemTrace } from "./stop-system-trace.js";
import { update } from "./update.js";

/** Every tool that the gateway serves. */
export const tools: readonly Tool[] = [
  findHosts,
  captureSystemSnapshot,
  listProcesses,
  getProcessDetails,
  getNetworkConnections,
  listServices,
  querySystemLogs,
  listKernelModules,
  listPackages,
  startSystemTrace,
  stopSystemTrace,
  manageService,
  installApplications,
  removeApplications,
  update,
  optimize,
  commitChange,
  openResult,
];
