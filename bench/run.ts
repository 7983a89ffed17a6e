// `npm run bench -- NAME [--json] [--hosts N,N] [--profile DIR]`: runs one benchmark and prints a line per claim. Without a name,
// lists them.
import { readdirSync } from "node:fs";
import { type BenchLine, formatBenchLine } from "./bench-line.js";
import { type BenchOptions, parseBenchOptions } from "./rig/bench-options.js";

interface BenchModule {
  run(options: BenchOptions): Promise<BenchLine[]>;
}

const notBenchmarks = new Set(["run.js", "bench-line.js"]);
const names = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".js") && !notBenchmarks.has(file))
  .map((file) => file.slice(0, -".js".length));
const { name, options } = parseBenchOptions(process.argv.slice(2));

if (name === undefined || !names.includes(name)) {
  console.error(`${name === undefined ? "name a benchmark" : `no benchmark is named ${name}`}: ${names.join(", ")}`);
  process.exitCode = 2;
} else {
  const bench: BenchModule = await import(`./${name}.js`);
  const lines = await bench.run(options);
  for (const line of lines) console.log(options.json ? JSON.stringify(line) : formatBenchLine(line));
  if (lines.some((line) => line.met === false)) process.exitCode = 1;
}
