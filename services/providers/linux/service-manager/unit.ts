// Units as `systemctl show` tells them.
import { ActiveState, LoadState } from "../../../gen/systemsmanager/telemetry/v1/service_pb.js";

/** Properties of one unit by name; what the host's systemd does not know is missing. */
export type UnitProperties = Readonly<Record<string, string>>;

/** The properties that the product asks for. */
export const unitProperties = [
  "Id",
  "Names",
  "Description",
  "LoadState",
  "ActiveState",
  "SubState",
  "UnitFileState",
  "FragmentPath",
  "MainPID",
  "Result",
  "ExecMainStatus",
  "NRestarts",
  "ActiveEnterTimestamp",
  "ActiveExitTimestamp",
  "InactiveEnterTimestamp",
  "InactiveExitTimestamp",
  "MemoryCurrent",
  "CanStart",
  "CanStop",
  "CanReload",
  "RefuseManualStart",
  "RefuseManualStop",
  "Type",
  "RemainAfterExit",
] as const;

/** Parses the blocks of `systemctl show UNIT...`, one for each unit. */
export function parseUnits(text: string): UnitProperties[] {
  return text
    .split(/\n\n+/)
    .map((block) => Object.fromEntries([...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key, value])))
    .filter((unit) => unit.Id);
}

const loadStates: Readonly<Record<string, LoadState>> = {
  loaded: LoadState.LOADED,
  "not-found": LoadState.NOT_FOUND,
  masked: LoadState.MASKED,
};

/** "error", "bad-setting" and the like are ERROR. */
export function loadStateOf(unit: UnitProperties): LoadState {
  if (!unit.LoadState) return LoadState.UNSPECIFIED;
  return loadStates[unit.LoadState] ?? LoadState.ERROR;
}

const activeStates: Readonly<Record<string, ActiveState>> = {
  active: ActiveState.ACTIVE,
  reloading: ActiveState.RELOADING,
  inactive: ActiveState.INACTIVE,
  failed: ActiveState.FAILED,
  activating: ActiveState.ACTIVATING,
  deactivating: ActiveState.DEACTIVATING,
  maintenance: ActiveState.MAINTENANCE,
  // What a start or stop job of systemd 254 and newer shows while it refreshes.
  refreshing: ActiveState.RELOADING,
};

export function activeStateOf(unit: UnitProperties): ActiveState {
  return activeStates[unit.ActiveState ?? ""] ?? ActiveState.UNSPECIFIED;
}

/** True when neither a unit file nor a process of this name exists. A removed package's service may still run. */
export function isUnknown(unit: UnitProperties): boolean {
  return unit.LoadState === "not-found" && unit.ActiveState === "inactive";
}

/** Which of its times is that of its present active state, as `systemctl status` chooses. */
export function sinceOf(unit: UnitProperties): Date | undefined {
  switch (unit.ActiveState) {
    case "active":
    case "reloading":
    case "refreshing":
      return parseUnitTime(unit.ActiveEnterTimestamp);
    case "inactive":
    case "failed":
      return parseUnitTime(unit.InactiveEnterTimestamp);
    case "activating":
      return parseUnitTime(unit.InactiveExitTimestamp);
    default:
      return parseUnitTime(unit.ActiveExitTimestamp);
  }
}

/** "Sun 2026-11-22 20:59:28 UTC"; undefined for "", "n/a" and other time zones. */
export function parseUnitTime(text: string | undefined): Date | undefined {
  const found = /^\w+ (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC$/.exec(text ?? "");
  return found ? new Date(`${found[1]}T${found[2]}Z`) : undefined;
}

// What systemd prints for a number that it does not keep.
const notKept = new Set(["", "[not set]", "[no data]", "18446744073709551615", "infinity"]);

/** A number that systemd may not keep. */
export function optionalNumber(text: string | undefined): bigint | undefined {
  return text === undefined || notKept.has(text) ? undefined : BigInt(text);
}
