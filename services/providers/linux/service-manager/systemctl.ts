// Asking systemd for units. systemctl prints times in UTC, because its environment says so.
import { ErrorReason, failure } from "../../../shared/errors.js";
import { nearest } from "../../../shared/nearest.js";
import { type RunOptions, runProgram } from "../run-program.js";
import { isUnknown, parseUnits, type UnitProperties, unitProperties } from "./unit.js";
import { isPossibleUnitName, isTemplate } from "./unit-name.js";

const common = ["--no-pager", "--no-ask-password"];
const listing = ["--all", "--full", "--plain", "--no-legend"];
// An argument list has room for many thousand names; the host should not be asked about them all in one message.
const unitsPerCall = 1000;

/** Runs systemctl. */
export function systemctl(args: readonly string[], options: RunOptions) {
  return runProgram("systemctl", [...common, ...args], { ...options, environment: { TZ: "UTC" } });
}

/** The properties of these units, unknown ones included. Aliases give the unit that they stand for. */
export async function showUnits(names: readonly string[], signal: AbortSignal): Promise<UnitProperties[]> {
  const units: UnitProperties[] = [];
  for (let start = 0; start < names.length; start += unitsPerCall) {
    const batch = names.slice(start, start + unitsPerCall);
    const args = ["show", `--property=${unitProperties.join(",")}`, "--", ...batch];
    const { stdout } = await systemctl(args, { signal });
    units.push(...parseUnits(stdout.text));
  }
  return units;
}

/** Enabled state by unit file: "enabled", "static", "masked", "alias". */
export async function listUnitFiles(signal: AbortSignal, types: readonly string[] = ["service"]) {
  const args = ["list-unit-files", `--type=${types.join(",")}`, ...listing];
  const { stdout } = await systemctl(args, { signal });
  return new Map([...stdout.text.matchAll(/^(\S+)\s+(\S+)/gm)].map(([, name = "", state = ""]) => [name, state]));
}

/** Names of the services that systemd has in memory, without those that only others mention. */
export async function listLoadedServices(signal: AbortSignal): Promise<string[]> {
  const { stdout } = await systemctl(["list-units", "--type=service", ...listing], { signal });
  return [...stdout.text.matchAll(/^(\S+)\s/gm)].map(([, name = ""]) => name);
}

/** One unit that exists. Throws UNKNOWN_UNIT with the nearest names. */
export async function showUnit(name: string, signal: AbortSignal): Promise<UnitProperties> {
  const askable = isPossibleUnitName(name) && !isTemplate(name);
  const [unit] = askable ? await showUnits([name], signal) : [];
  if (unit && !isUnknown(unit)) return unit;
  throw await unknownUnit(name, signal);
}

/** UNKNOWN_UNIT with the names that are nearest to this one. */
export async function unknownUnit(name: string, signal: AbortSignal) {
  const known = [...(await listUnitFiles(signal)).keys(), ...(await listLoadedServices(signal))];
  const candidates = nearest(name, [...new Set(known)]);
  return failure(ErrorReason.UNKNOWN_UNIT, `the host has no unit ${name}`, {
    metadata: { unit: name, nearest: candidates.join(",") },
    remedy: candidates.length > 0 ? `use one of ${candidates.join(", ")}` : "list the services of the host",
  });
}
