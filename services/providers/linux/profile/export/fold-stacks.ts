// Folded stacks, the text that flame graph tools read: "process;outermost;…;innermost count".
import type { ProfileStack } from "../symbolize.js";

/** Samples by folded stack; processes of one name are added up. */
export function sumFolded(stacks: readonly ProfileStack[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { process, frames, count } of stacks) {
    const line = [process.comm, ...frames.map(({ name }) => name)].map(withoutSeparators).join(";");
    counts.set(line, (counts.get(line) ?? 0) + count);
  }
  return counts;
}

/** One line for each different stack, in the order of the text. */
export function foldStacks(stacks: readonly ProfileStack[]): string {
  const counts = sumFolded(stacks);
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
