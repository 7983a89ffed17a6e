// Waits until a unit that was started rests. "started" alone means no more than that a process was forked.
import { setTimeout as sleep } from "node:timers/promises";
import { showUnits } from "../service-manager/systemctl.js";
import type { UnitProperties } from "../service-manager/unit.js";

// A service counts as up when it ran this long as one process.
const stableMs = 1000;
const pollMs = 100;
const movingStates = new Set(["activating", "deactivating", "reloading", "refreshing", "maintenance"]);

/** Where the unit came to rest, and whether it is up. */
export interface Settled {
  readonly unit: UnitProperties;
  readonly isUp: boolean;
}

/**
 * Watches the unit until it has failed, ended, or been active for a second without a restart. A start by hand sets systemd's count of
 * restarts to 0, except in the middle of them, and then `knownRestarts` are not the start's.
 */
export async function settleUnit(name: string, knownRestarts: number, signal: AbortSignal): Promise<Settled> {
  let steadySince = Date.now();
  let previous: UnitProperties | undefined;
  for (;;) {
    const unit = (await showUnits([name], signal))[0] ?? {};
    if (hasCrashed(unit, knownRestarts)) return { unit, isUp: false };
    if (isMoving(unit) || unit.MainPID !== previous?.MainPID) steadySince = Date.now();
    if (!isMoving(unit) && unit.ActiveState !== "active") return { unit, isUp: unit.Result === "success" };
    if (Date.now() - steadySince >= stableMs) return { unit, isUp: true };
    previous = unit;
    await sleep(pollMs, undefined, { signal });
  }
}

function isMoving({ ActiveState = "" }: UnitProperties): boolean {
  return movingStates.has(ActiveState);
}

// A restart by systemd itself means that it crashed, whatever it does now.
function hasCrashed({ ActiveState, SubState = "", NRestarts = "0" }: UnitProperties, knownRestarts: number): boolean {
  return ActiveState === "failed" || Number(NRestarts) > knownRestarts || SubState.startsWith("auto-restart");
}
