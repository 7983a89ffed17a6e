// `npm run bench -- NAME [--json]`: runs one benchmark and prints a line per claim. Without a name, lists them.
import { readdirSync } from "node:fs";
import { type BenchLine, formatBenchLine } from "./bench-line.js";

interface BenchModule {
  run(options: { json: boolean }): Promise<BenchLine[]>;
}

const notBenchmarks = new Set(["run.js", "bench-line.js"]);
const names = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".js") && !notBenchmarks.has(file))
  .map((file) => file.slice(0, -".js".length));
const json = process.argv.includes("--json");
const name = process.argv.slice(2).find((argument) => !argument.startsWith("--"));

if (name === undefined || !names.includes(name)) {
  console.error(`${name === undefined ? "name a benchmark" : `no benchmark is named ${name}`}: ${names.join(", ")}`);
  process.exitCode = 2;
} else {
  const bench: BenchModule = await import(`./${name}.js`);
  const lines = await bench.run({ json });
  for (const line of lines) console.log(json ? JSON.stringify(line) : formatBenchLine(line));
  if (lines.some((line) => line.met === false)) process.exitCode = 1;
}
