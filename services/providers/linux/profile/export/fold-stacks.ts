// Folded stacks, the text that flame graph tools read: "process;outermost;…;innermost count".
import type { ProfileStack } from "../symbolize.js";

/** One line for each different stack, in the order of the text; processes of one name are added up. */
export function foldStacks(stacks: readonly ProfileStack[]): string {
  const counts = new Map<string, number>();
  for (const { process, frames, count } of stacks) {
    const line = [process.comm, ...frames.map(({ name }) => name)].map(withoutSeparators).join(";");
    counts.set(line, (counts.get(line) ?? 0) + count);
  }
  return [...counts.keys()]
    .sort()
    .map((line) => `${line} ${counts.get(line)}\n`)
    .join("");
}

// A name is what a program chose: it must not make up frames or lines.
function withoutSeparators(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not stay
  return name.replaceAll(";", ":").replace(/[\u0000-\u001f\u007f]/g, "?");
}
