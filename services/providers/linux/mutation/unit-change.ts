// What an action would do to a unit, told from the unit's own properties.
import { ChangeKind } from "../../../gen/systemsmanager/mutation/v1/change_pb.js";
import { ServiceAction } from "../../../gen/systemsmanager/mutation/v1/service_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { UnitProperties } from "../service-manager/unit.js";

/** How systemctl calls the action, and what kind of change it is. */
export interface ActionTraits {
  readonly verb: string;
  readonly kind: ChangeKind;
  /** Whether it changes what runs now, or what starts at boot. */
  readonly changes: "run" | "boot";
}

export const actionTraits: Readonly<Record<Exclude<ServiceAction, ServiceAction.UNSPECIFIED>, ActionTraits>> = {
  [ServiceAction.START]: { verb: "start", kind: ChangeKind.START, changes: "run" },
  [ServiceAction.STOP]: { verb: "stop", kind: ChangeKind.STOP, changes: "run" },
  [ServiceAction.RESTART]: { verb: "restart", kind: ChangeKind.RESTART, changes: "run" },
  [ServiceAction.RELOAD]: { verb: "reload", kind: ChangeKind.RELOAD, changes: "run" },
  [ServiceAction.ENABLE]: { verb: "enable", kind: ChangeKind.ENABLE, changes: "boot" },
  [ServiceAction.DISABLE]: { verb: "disable", kind: ChangeKind.DISABLE, changes: "boot" },
  [ServiceAction.MASK]: { verb: "mask", kind: ChangeKind.MASK, changes: "boot" },
  [ServiceAction.UNMASK]: { verb: "unmask", kind: ChangeKind.UNMASK, changes: "boot" },
};

/** "active (running)". */
export function runStateOf(unit: UnitProperties): string {
  return `${unit.ActiveState} (${unit.SubState})`;
}

/** "enabled"; systemd gives none for a unit without a file. */
export function bootStateOf(unit: UnitProperties): string {
  return unit.UnitFileState || unit.LoadState || "";
}

/** The state that the action leads to, or undefined when it changes nothing. Throws CHANGE_REFUSED where systemd would refuse. */
export function predictState(
  action: ServiceAction,
  unit: UnitProperties,
  unmaskedState: () => string,
): string | undefined {
  refuseImpossible(action, unit);
  const { ActiveState: active = "", UnitFileState: file = "" } = unit;
  switch (action) {
    case ServiceAction.START:
      return active === "active" || active === "reloading" ? undefined : startedState(unit);
    case ServiceAction.STOP:
      return active === "inactive" || active === "failed" ? undefined : "inactive (dead)";
    case ServiceAction.RESTART:
      return startedState(unit);
    case ServiceAction.RELOAD:
      return runStateOf(unit);
    case ServiceAction.ENABLE:
      return file === "enabled" ? undefined : file === "indirect" ? "indirect" : "enabled";
    case ServiceAction.DISABLE:
      return /^(enabled|linked)/.test(file) ? "disabled" : undefined;
    case ServiceAction.MASK:
      return file.startsWith("masked") ? undefined : "masked";
    case ServiceAction.UNMASK:
      return file.startsWith("masked") ? unmaskedState() : undefined;
    default:
      throw new TypeError(`${action} is no action on a service`);
  }
}

const startedStates: Readonly<Record<string, string>> = {
  target: "active (active)",
  mount: "active (mounted)",
  socket: "active (listening)",
  timer: "active (waiting)",
  path: "active (waiting)",
};

// The state that the unit rests in once it has been started.
function startedState({ Id = "", Type, RemainAfterExit }: UnitProperties): string {
  const unitType = Id.slice(Id.lastIndexOf(".") + 1);
  if (unitType !== "service") return startedStates[unitType] ?? "active (active)";
  if (Type !== "oneshot") return "active (running)";
  return RemainAfterExit === "yes" ? "active (exited)" : "inactive (dead)";
}

function refuseImpossible(action: ServiceAction, unit: UnitProperties): void {
  const rule = refusalRule(action, unit);
  if (!rule) return;
  const { verb } = actionTraits[action as keyof typeof actionTraits];
  throw failure(ErrorReason.CHANGE_REFUSED, `systemd refuses to ${verb} ${unit.Id}: ${rule}`, {
    metadata: { subject: unit.Id ?? "", rule },
    remedy: rule === "it is masked" ? "unmask it first" : "choose another action",
  });
}

const unloadable = new Set(["error", "bad-setting"]);
const notEnableable = new Set(["static", "generated", "transient", "alias", "bad"]);

function refusalRule(action: ServiceAction, unit: UnitProperties): string | undefined {
  const starts = action === ServiceAction.START || action === ServiceAction.RESTART;
  const masked = unit.LoadState === "masked" || unit.UnitFileState?.startsWith("masked");
  if (masked && (starts || action === ServiceAction.ENABLE)) return "it is masked";
  if (starts && unit.LoadState === "not-found") return "its unit file is gone";
  if (starts && unloadable.has(unit.LoadState ?? "")) return "its unit file has an error";
  if (starts && unit.RefuseManualStart === "yes") return "it may only be started by other units";
  if (action === ServiceAction.STOP && unit.RefuseManualStop === "yes") return "it may only be stopped by other units";
  if (action === ServiceAction.RESTART && unit.RefuseManualStop === "yes")
    return "it may only be stopped by other units";
  if (action === ServiceAction.RELOAD) return reloadRule(unit);
  if (action === ServiceAction.ENABLE && notEnableable.has(unit.UnitFileState ?? "")) {
    return `it is ${unit.UnitFileState}, without an [Install] section of its own`;
  }
  if (action === ServiceAction.MASK && !masked && unit.FragmentPath?.startsWith("/etc/systemd/system/")) {
    return "its unit file is where the mask would be";
  }
  return undefined;
}

function reloadRule(unit: UnitProperties): string | undefined {
  if (unit.ActiveState !== "active") return "it does not run";
  return unit.CanReload === "no" ? "it has no way to reload" : undefined;
}
