// Structured logs on stderr; stdout belongs to answers and to MCP over stdio.
import { type Logger, pino } from "pino";

export type { Logger };

/** A logger for one part of the product. Level from SYSTEMS_MANAGER_LOG: "info" when unset. */
export function createLogger(part: string): Logger {
  const level = process.env.SYSTEMS_MANAGER_LOG ?? "info";
  return pino({ level, base: { part }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}
