// How the person at this terminal called the command, for the lines that tell what to type next.
import { basename, relative } from "node:path";

/** "systems-manager" when it was found on the PATH, else "node" with the path of the script. */
export function commandName(script = process.argv[1] ?? ""): string {
  if (basename(script) === "systems-manager") return "systems-manager";
  return `node ${relative(process.cwd(), script)}`;
}
