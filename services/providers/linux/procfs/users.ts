// Names of users, from /etc/passwd.
import { readFile, stat } from "node:fs/promises";

/** User names by id. */
export type UserNames = ReadonlyMap<number, string>;

/** Parses /etc/passwd; where an id has several names the first one wins, as it does for `ps`. */
export function parsePasswd(text: string): UserNames {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (!name || name.startsWith("#") || !id || !/^\d+$/.test(id)) continue;
    if (!names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}

let cache: { version: string; names: UserNames } | undefined;

/** Names by id; read again when the file changed. A host without /etc/passwd has no names. */
export async function readUserNames(): Promise<UserNames> {
  try {
    const { mtimeMs, size, ino } = await stat("/etc/passwd");
    const version = `${mtimeMs}/${size}/${ino}`;
    if (cache?.version !== version) cache = { version, names: parsePasswd(await readFile("/etc/passwd", "utf8")) };
    return cache.names;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
}

/** The user's name, or the number when it has none. */
export function userName(names: UserNames, userId: number): string {
  return names.get(userId) ?? String(userId);
}
