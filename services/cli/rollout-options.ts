// Options that say how a change goes over its hosts.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError } from "commander";
import type { HealthCheckSchema, RolloutSchema, WaveSizeSchema } from "../gen/systemsmanager/fleet/v1/rollout_pb.js";
import { parseWaveSize } from "../shared/wave-size.js";
import { operationByVerb } from "./operation-arguments.js";
import { parsePause, parseSeconds } from "./option-values.js";

export type WaveSize = MessageInitShape<typeof WaveSizeSchema>;

export interface RolloutOptions {
  readonly allAtOnce?: boolean;
  readonly canary?: WaveSize;
  readonly batch?: WaveSize[];
  readonly pause?: number;
  readonly maxFailed?: WaveSize;
  readonly health?: MessageInitShape<typeof HealthCheckSchema>;
  readonly spread?: string;
  readonly expires?: number;
}

/** Adds them. */
export function addRolloutOptions(command: Command): Command {
  return command
    .option("--all-at-once", "no waves, however many hosts there are; fewer than 10 go at once anyway")
    .option("--canary <size>", "hosts of the first wave, as 1 or 5% (default: 1)", parseSize)
    .option("--batch <size>", "hosts of the next wave; repeatable, the last repeats (default: 10%, 25%)", collectSize)
    .option(
      "--max-failed <size>",
      "halt when more hosts than this fail, are silent or unhealthy (default: 2%)",
      parseSize,
    )
    .option("--pause <seconds>", "between a wave and its health check, as 30, 30s or 5m (default: 5)", parsePause)
    .option(
      "--health <check>",
      "failed-services (default), none, or a read without fields that must succeed",
      parseHealth,
    )
    .option("--spread <label>", "give every wave the values of this label in the same proportions")
    .option("--expires <seconds>", "abort what has not come to its end by then (default: 24h)", parseSeconds);
}

/** The rollout that the options say; undefined when they say nothing of it. */
export function rolloutOf(options: RolloutOptions): MessageInitShape<typeof RolloutSchema> | undefined {
  const { allAtOnce, canary, batch, pause, maxFailed, health, spread, expires } = options;
  const rollout = {
    ...(allAtOnce ? { allAtOnce } : {}),
    ...(canary ? { canary } : {}),
    ...(batch ? { batches: batch } : {}),
    ...(pause === undefined ? {} : { pause: durationFromMs(pause) }),
    ...(maxFailed ? { maxFailed } : {}),
    ...(health ? { healthCheck: health } : {}),
    ...(spread === undefined ? {} : { spreadBy: spread }),
    ...(expires === undefined ? {} : { expiresAfter: durationFromMs(expires) }),
  };
  return Object.keys(rollout).length === 0 ? undefined : rollout;
}

/** "5" or "10%". */
export function parseSize(text: string): WaveSize {
  const size = parseWaveSize(text);
  if (!size) throw new InvalidArgumentError(`${text} is not a number of hosts, such as 5 or 10%`);
  return size;
}

function collectSize(text: string, sizes: WaveSize[] = []): WaveSize[] {
  return [...sizes, parseSize(text)];
}

function parseHealth(text: string): MessageInitShape<typeof HealthCheckSchema> {
  if (text === "none") return { check: { case: "none", value: {} } };
  if (text === "failed-services") return { check: { case: "failedServices", value: {} } };
  return { check: { case: "read", value: { method: operationByVerb(text).name } } };
}
