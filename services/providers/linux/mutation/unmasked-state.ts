// What becomes of a masked unit when its mask goes. systemd tells nothing of a unit file behind a mask, so the files are read.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const vendorDirectories = ["/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const adminDirectory = "/etc/systemd/system";

/** "enabled", "disabled" or "static"; "not-found" when only the mask is there. */
export function readUnmaskedState(unit: string): string {
  const file = vendorDirectories
    .map((directory) => `${directory}/${unitFile(unit, directory)}`)
    .find((path) => existsSync(path));
  if (!file) return "not-found";
  if (isWanted(unit)) return "enabled";
  return /^\[Install\]/m.test(readFileSync(file, "utf8")) ? "disabled" : "static";
}

// "getty@tty1.service" is made from "getty@.service".
function unitFile(unit: string, directory: string): string {
  return existsSync(`${directory}/${unit}`) ? unit : unit.replace(/@[^.]*\./, "@.");
}

// Enabling puts a link to the unit into a directory of each unit that is to pull it in.
function isWanted(unit: string): boolean {
  const directories = readdirSync(adminDirectory).filter((name) => /\.(wants|requires|upholds)$/.test(name));
  return directories.some((name) => readdirSync(`${adminDirectory}/${name}`).includes(unit));
}
