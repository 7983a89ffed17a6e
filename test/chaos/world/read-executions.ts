// What the hosts of an emulator carried out, as they wrote it down themselves.
import { existsSync, readFileSync } from "node:fs";
import type { Execution } from "../../../services/emulator/executions-file.js";
import type { ExecutionRecord } from "../history.js";
import type { EmulatorProcess } from "./fleet-processes.js";

/** All of them since the emulator's first start. A line that a killed process did not finish is an error: each is one write. */
export function readExecutions({ executionsFile }: EmulatorProcess): ExecutionRecord[] {
  if (!existsSync(executionsFile)) return [];
  const lines = readFileSync(executionsFile, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => {
    const { name, commandId, subjects, time }: Execution = JSON.parse(line);
    return { host: name, commandId, subjects, time };
  });
}
