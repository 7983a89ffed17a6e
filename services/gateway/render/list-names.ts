// Host names in prose: some of them, and how many more there are.

/** "web-1, web-2 and 3 more". Names that are not plain host names are counted, not shown. */
export function listNames(names: readonly string[], total: number, most: number): string {
  const shown = names.filter((name) => plainName.test(name)).slice(0, most);
  const more = Math.max(total, names.length) - shown.length;
  if (shown.length === 0) return more > 0 ? `${more} not named here` : "";
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

// The rule of HostFacts.name, shorter: what is longer than this is no help in prose.
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
