// The arguments of commit_change that say how a change goes over its hosts.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { RolloutSchema, WaveSizeSchema } from "../gen/systemsmanager/fleet/v1/rollout_pb.js";
import { parseWaveSize } from "../shared/wave-size.js";
import { type Arguments, checkValue, wrongArgument } from "./schema/decode-arguments.js";
import type { PropertySchema } from "./schema/json-schema.js";

const longestPauseSeconds = 86_400;

/** What a model is shown of them. */
export const rolloutProperties = {
  canary: { type: "string", description: "hosts of the first wave: 1 or 5%" },
  batch: { type: "string", description: "hosts of each wave behind it" },
  max_failed: { type: "string", description: "halt above so many" },
  pause_seconds: { type: "integer" },
  resume: { type: "boolean", description: "go on with this plan's halted rollout" },
} as const satisfies Record<string, PropertySchema>;

/** What was given of them, in words for a person; also what a confirmation is bound to. Empty when nothing was. */
export function describeRollout(given: Arguments): string {
  const said = Object.keys(rolloutProperties).filter((name) => given[name] !== undefined);
  return said.map((name) => `${name} ${String(given[name])}`).join(", ");
}

/** The rollout of CommitChange; undefined when the arguments say nothing of it. Throws INVALID_ARGUMENT. */
export function rolloutOf(given: Arguments): MessageInitShape<typeof RolloutSchema> | undefined {
  const canary = sizeOf("canary", given);
  const batch = sizeOf("batch", given);
  const maxFailed = maxFailedOf(given);
  const { pause_seconds: pause } = given;
  if (pause !== undefined) {
    checkValue("pause_seconds", pause, { type: "integer", minimum: 0, maximum: longestPauseSeconds });
  }
  const rollout = {
    ...(canary ? { canary } : {}),
    ...(batch ? { batches: [batch] } : {}),
    ...(maxFailed ? { maxFailed } : {}),
    ...(pause === undefined ? {} : { pause: durationFromMs(Number(pause) * 1000) }),
  };
  return Object.keys(rollout).length === 0 ? undefined : rollout;
}

/** The error budget; undefined when none is given. Throws INVALID_ARGUMENT. */
export function maxFailedOf(given: Arguments): MessageInitShape<typeof WaveSizeSchema> | undefined {
  return sizeOf("max_failed", given);
}

// A model writes 5 as readily as "5".
function sizeOf(name: string, given: Arguments): MessageInitShape<typeof WaveSizeSchema> | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const size = typeof value === "string" || typeof value === "number" ? parseWaveSize(String(value)) : undefined;
  if (!size) throw wrongArgument(name, value, 'give a number of hosts, such as "5", or a share, such as "10%"');
  return size;
}
