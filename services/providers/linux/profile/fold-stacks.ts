// Folded stacks, the text that flame graph tools read: "process;outermost;…;innermost", with their marks for code of the kernel,
// "_[k]", and code that was compiled at run time, "_[j]".
import type { Frame, ProfileStack } from "./symbolize.js";

const marks: Partial<Record<Frame["kind"], string>> = { kernel: "_[k]", compiled: "_[j]" };

/** Samples by folded stack; processes of one name are added up. */
export function sumFolded(stacks: readonly ProfileStack[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { process, frames, count } of stacks) {
    const line = [clean(process.comm), ...frames.map(nameOf)].join(";");
    counts.set(line, (counts.get(line) ?? 0) + count);
  }
  return counts;
}

function nameOf({ name, kind }: Frame): string {
  return clean(name) + (marks[kind] ?? "");
}

// A name is what a program chose: it must not make up frames, lines or marks.
function clean(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not stay
  const oneFrame = name.replaceAll(";", ":").replace(/[\u0000-\u001f\u007f]/g, "?");
  return oneFrame.replace(/_\[(\w)\]$/, "_($1)");
}
