// Orders for a running emulator, one JSON object a line: {"faults":"drop=0.01,delay=50ms..500ms"}, {"faults":""},
// {"kill":{"share":0.2,"down":"1s..3s"}}, {"kill":{"names":["emulated-7"]}}.
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { ErrorReason, failure } from "../shared/errors.js";
import { parseFaults, parseTimes } from "./faults/fault-set.js";
import type { EmulatorOrder } from "./process-messages.js";

/** Calls onOrder for each line of the input, or onError with INVALID_ARGUMENT. The end of the input changes nothing. */
export function readOrders(
  input: Readable,
  onOrder: (order: EmulatorOrder) => void,
  onError: (error: unknown) => void,
): { close(): void } {
  const lines = createInterface({ input });
  lines.on("line", (line) => {
    try {
      if (line.trim() !== "") onOrder(parseOrder(line));
    } catch (error) {
      onError(error);
    }
  });
  return lines;
}

/** Throws INVALID_ARGUMENT. */
export function parseOrder(line: string): EmulatorOrder {
  const { faults, kill, ...rest } = parseObject(line);
  if (Object.keys(rest).length > 0 || (faults === undefined) === (kill === undefined)) throw invalid(line);
  if (typeof faults === "string") return { type: "faults", faults: parseFaults(faults) };
  if (typeof kill === "object" && kill !== null) return { type: "kill", order: parseKill(line, kill) };
  throw invalid(line);
}

function parseKill(line: string, { share, names, down, ...rest }: Record<string, unknown>) {
  const isShare = share === undefined || (typeof share === "number" && share >= 0 && share <= 1);
  const areNames = names === undefined || (Array.isArray(names) && names.every((name) => typeof name === "string"));
  const isTime = down === undefined || typeof down === "string";
  if (!isShare || !areNames || !isTime || Object.keys(rest).length > 0) throw invalid(line);
  return {
    ...(share === undefined ? {} : { share: share as number }),
    ...(names === undefined ? {} : { names: names as string[] }),
    ...(down === undefined ? {} : { down: parseTimes(down as string) }),
  };
}

function parseObject(line: string): { faults?: unknown; kill?: Record<string, unknown> } {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    throw invalid(line, cause);
  }
  throw invalid(line);
}

function invalid(line: string, cause?: unknown) {
  return failure(ErrorReason.INVALID_ARGUMENT, `${JSON.stringify(line.slice(0, 200))} is no order for the emulator`, {
    metadata: { field: "stdin", rule: "order" },
    remedy: 'write {"faults":"drop=0.01"} or {"kill":{"share":0.2,"down":"1s..3s"}}',
    cause,
  });
}
