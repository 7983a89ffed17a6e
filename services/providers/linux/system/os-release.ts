// Text of os-release(5).
import { readFile } from "node:fs/promises";

/** What os-release says of the distribution. Missing values are empty. */
export interface OsRelease {
  readonly prettyName: string;
  readonly id: string;
  /** Distributions it descends from, nearest first. */
  readonly idLike: readonly string[];
  readonly versionId: string;
}

/** Parses assignments in the shell's syntax, quoted or not. */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const found = /^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$/.exec(line);
    if (found) values.set(found[1] as string, unquote(found[2] as string));
  }
  const id = values.get("ID") ?? "linux";
  return {
    prettyName: values.get("PRETTY_NAME") ?? values.get("NAME") ?? "Linux",
    id,
    idLike: (values.get("ID_LIKE") ?? "").split(/\s+/).filter((like) => like !== ""),
    versionId: values.get("VERSION_ID") ?? values.get("BUILD_ID") ?? "",
  };
}

function unquote(value: string): string {
  const quote = value[0];
  if ((quote === '"' || quote === "'") && value.length > 1 && value.endsWith(quote)) {
    const inner = value.slice(1, -1);
    return quote === '"' ? inner.replace(/\\(["$`\\])/g, "$1") : inner;
  }
  return value.replace(/\\(.)/g, "$1");
}

/** Reads /etc/os-release, else /usr/lib/os-release, else answers as for an unknown Linux. */
export async function readOsRelease(): Promise<OsRelease> {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return parseOsRelease(await readFile(path, "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return parseOsRelease("");
}
