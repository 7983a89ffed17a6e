// ListServices: every service that the host has a definition or a process of.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ActiveState, LoadState, type ServiceSchema } from "../../../gen/systemsmanager/telemetry/v1/service_pb.js";
import type { TelemetryService } from "../../../gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import type { OperationHandlers } from "../../os-provider.js";
import { requireSystemd } from "./require-systemd.js";
import { listLoadedServices, listUnitFiles, showUnits, unknownUnit } from "./systemctl.js";
import { activeStateOf, isUnknown, loadStateOf, optionalNumber, sinceOf, type UnitProperties } from "./unit.js";
import { isPossibleUnitName, isTemplate, normalizeUnitName } from "./unit-name.js";

type ServiceInit = MessageInitShape<typeof ServiceSchema>;

const defaultLimit = 500;

/** Handlers of the service manager's reads. SERVICE_MANAGER_MISSING where systemd does not run. */
export function createServiceHandlers(): Pick<OperationHandlers<typeof TelemetryService>, "listServices"> {
  return {
    async listServices({ names, activeStates, limit }, { signal }) {
      requireSystemd();
      const services = names.length > 0 ? await listNamed(names, signal) : await listAll(signal);
      const wanted = new Set(activeStates);
      const matched = services.filter(({ activeState = 0 }) => wanted.size === 0 || wanted.has(activeState));
      const shown = matched.slice(0, limit || defaultLimit);
      return {
        services: shown,
        failedCount: services.filter(({ activeState }) => activeState === ActiveState.FAILED).length,
        omittedCount: matched.length - shown.length,
      };
    },
  };
}

// Unit files that are not loaded and units whose file is gone are both services; templates and aliases are not.
async function listAll(signal: AbortSignal): Promise<ServiceInit[]> {
  const [files, loaded] = await Promise.all([listUnitFiles(signal), listLoadedServices(signal)]);
  const ownFiles = [...files].filter(([name, state]) => state !== "alias" && !isTemplate(name)).map(([name]) => name);
  const units = await showUnits([...new Set([...ownFiles, ...loaded])], signal);
  return describe(units.filter((unit) => !isUnknown(unit)));
}

async function listNamed(names: readonly string[], signal: AbortSignal): Promise<ServiceInit[]> {
  const wanted = names.map(normalizeUnitName);
  const impossible = wanted.find((name) => !isPossibleUnitName(name));
  if (impossible) throw await unknownUnit(impossible, signal);
  const templates = wanted.filter(isTemplate);
  const units = await showUnits(
    wanted.filter((name) => !isTemplate(name)),
    signal,
  );
  const missing = units.find(isUnknown)?.Id;
  if (missing) throw await unknownUnit(missing, signal);
  return [...describe(units), ...(templates.length > 0 ? await describeTemplates(templates, signal) : [])].sort(byName);
}

async function describeTemplates(templates: readonly string[], signal: AbortSignal): Promise<ServiceInit[]> {
  const files = await listUnitFiles(signal);
  const missing = templates.find((name) => !files.has(name));
  if (missing) throw await unknownUnit(missing, signal);
  return templates.map((name) => ({ name, loadState: LoadState.LOADED, enabledState: files.get(name) ?? "" }));
}

function describe(units: readonly UnitProperties[]): ServiceInit[] {
  // Two names of one unit give it twice.
  const byId = new Map(units.map((unit) => [unit.Id, unit]));
  return [...byId.values()].map(toProto).sort(byName);
}

function toProto(unit: UnitProperties): ServiceInit {
  const since = sinceOf(unit);
  const memoryBytes = optionalNumber(unit.MemoryCurrent);
  return {
    name: unit.Id ?? "",
    description: unit.Description ?? "",
    loadState: loadStateOf(unit),
    activeState: activeStateOf(unit),
    subState: unit.SubState ?? "",
    enabledState: unit.UnitFileState ?? "",
    mainPid: Number(unit.MainPID ?? 0),
    result: unit.Result ?? "",
    exitStatus: Number(unit.ExecMainStatus ?? 0),
    restartCount: Number(unit.NRestarts ?? 0),
    ...(since && { since: timestampFromDate(since) }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
}

function byName(a: ServiceInit, b: ServiceInit): number {
  return (a.name ?? "") < (b.name ?? "") ? -1 : 1;
}
