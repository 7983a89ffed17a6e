// Option values of the command line, parsed into what the services take. It loads nothing else: every verb needs it to say its options.
import { InvalidArgumentError } from "commander";
import type { ListenAddress } from "../shared/grpc-server.js";

/** "127.0.0.1:7600" or "[::1]:7600". */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) throw new InvalidArgumentError(`${text} is not HOST:PORT, such as 127.0.0.1:7600`);
  return { host: (match[1] ?? match[2]) as string, port };
}

/** Collects repeated "key=value" options. */
export function collectLabel(text: string, labels: Record<string, string>): Record<string, string> {
  const [key, value] = splitPair(text);
  return { ...labels, [key]: value };
}

/** Collects repeated values. */
export function collect(text: string, values: string[]): string[] {
  return [...values, text];
}

/** A positive number of seconds, or "5m", "24h", as milliseconds. */
export function parseSeconds(text: string): number {
  const milliseconds = readDuration(text);
  if (!(milliseconds > 0))
    throw new InvalidArgumentError(`${text} is not a positive number of seconds, such as 30 or 5m`);
  return milliseconds;
}

/** The same, or 0. */
export function parsePause(text: string): number {
  const milliseconds = readDuration(text);
  if (!(milliseconds >= 0))
    throw new InvalidArgumentError(`${text} is not a number of seconds from 0, such as 30 or 5m`);
  return milliseconds;
}

/** A whole number above 0. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError(`${text} is not a whole number above 0`);
  return Number(text);
}

/** A whole number from 0. */
export function parseIndex(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`${text} is not a whole number from 0`);
  return Number(text);
}

/** "name=value" in two. */
export function splitPair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`${JSON.stringify(text)} is not NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

const unitSeconds: Record<string, number> = { "": 1, s: 1, m: 60, h: 3600 };

/** Milliseconds; NaN when the text is no duration. */
function readDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)([smh]?)$/.exec(text);
  return Math.round(Number(match?.[1]) * (unitSeconds[match?.[2] ?? ""] ?? 1) * 1000);
}
