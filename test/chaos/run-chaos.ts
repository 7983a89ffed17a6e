// `npm run chaos -- --runs N --seed S [--hosts H] [--brokers 0|1|3] [--replay SEED/EPOCH]`: epochs of chaos until so many runs were
// acknowledged. It prints its seed first, a line for each epoch, and a summary as JSON; it exits with 1 when a promise was broken.
import { randomInt } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { epochSeeds, runChaos } from "./chaos.js";
import { killManagedProcesses } from "./world/managed-process.js";

/** Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "200" },
      seed: { type: "string" },
      hosts: { type: "string", default: "24" },
      brokers: { type: "string", default: "1" },
      replay: { type: "string" },
    },
  });
  endWithSignals();
  const seed = values.replay ?? values.seed ?? String(randomInt(1_000_000));
  const directory = mkdtempSync(join(tmpdir(), "systems-manager-chaos-"));
  console.log(`chaos: seed ${seed}; logs and histories are kept in ${directory}`);
  const summary = await runChaos({
    seeds: values.replay === undefined ? epochSeeds(seed) : [values.replay],
    runs: Number(values.runs),
    hosts: Number(values.hosts),
    brokers: brokersOf(values.brokers),
    directory,
    report: (line) => console.log(line),
  });
  console.log(JSON.stringify({ seed, ...summary }));
  return summary.violations > 0 ? 1 : 0;
}

// The processes of the fleet do not end with their parent by themselves.
function endWithSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void killManagedProcesses().finally(() => process.exit(130)));
  }
}

function brokersOf(text: string): 0 | 1 | 3 {
  const brokers = Number(text);
  if (brokers === 0 || brokers === 1 || brokers === 3) return brokers;
  throw new RangeError(`--brokers ${text} is none of 0, 1 and 3`);
}
