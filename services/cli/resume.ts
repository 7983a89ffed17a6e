// systems-manager resume RUN: goes on with a halted rollout. Naming the run at a terminal is the human's confirmation.
import { Command } from "commander";
import { addClientOptions, type ClientOptions, clientOf } from "./client-options.js";
import { confirmedHere } from "./confirmed-here.js";
import { exitCodeOf, followRun, printSummary } from "./follow-run.js";
import { parseSize, type WaveSize } from "./rollout-options.js";

interface ResumeOptions extends ClientOptions {
  readonly maxFailed?: WaveSize;
}

export const resume = addClientOptions(new Command("resume"))
  .argument("<run>", "run id")
  .option(
    "--max-failed <size>",
    "halt again when more hosts than this fail from now on (default: as before)",
    parseSize,
  )
  .action(async (runId: string, options: ResumeOptions) => {
    const { maxFailed } = options;
    const request = { runId, confirmation: confirmedHere(), ...(maxFailed ? { maxFailed } : {}) };
    const finished = await followRun(clientOf(options).resumeRollout(request));
    printSummary(finished.summary, options.json);
    process.exitCode = exitCodeOf(finished.run?.accounting);
  });
