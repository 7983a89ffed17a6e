// Names of units.

const unitTypes = /\.(service|socket|target|timer|mount|automount|swap|path|slice|scope|device)$/;

/** "nginx" is "nginx.service"; a name with a unit type stays as it is. */
export function normalizeUnitName(name: string): string {
  return unitTypes.test(name) ? name : `${name}.service`;
}

/** True for "getty@.service", from which units are made, and which is none itself. */
export function isTemplate(unit: string): boolean {
  return /@\.[a-z]+$/.test(unit);
}

/** False for a name that no unit can have: too long, or an instance of nothing ("@x.service"). */
export function isPossibleUnitName(unit: string): boolean {
  return unit.length <= 255 && !unit.startsWith("@");
}
