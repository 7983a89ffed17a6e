// Tells a unit that was quiet from one that never was.
import { existsSync } from "node:fs";
import { showUnits } from "../service-manager/systemctl.js";
import { isUnknown } from "../service-manager/unit.js";
import { isPossibleUnitName, isTemplate } from "../service-manager/unit-name.js";
import { readJournal } from "./journalctl.js";

/** True when systemd has the unit, or the journal has a line of it, of any boot. */
export async function isUnitKnown(unit: string, signal: AbortSignal): Promise<boolean> {
  return (await isDefined(unit, signal)) || (await hasLogged(unit, signal));
}

async function isDefined(unit: string, signal: AbortSignal): Promise<boolean> {
  if (!existsSync("/run/systemd/system") || !isPossibleUnitName(unit) || isTemplate(unit)) return false;
  const [properties] = await showUnits([unit], signal);
  return properties !== undefined && !isUnknown(properties);
}

async function hasLogged(unit: string, signal: AbortSignal): Promise<boolean> {
  let found = false;
  const takeOne = () => {
    found = true;
    return false;
  };
  await readJournal([`--unit=${unit}`, "--lines=1"], takeOne, signal);
  return found;
}
