// Which code the CPUs run, as folded stacks.
import type { ProfileQuestion, TraceFilter } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { TraceDetail } from "../../../gen/systemsmanager/trace/v1/reading_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { Findings, Investigation } from "../../trace/investigation.js";
import { sumFolded } from "../profile/fold-stacks.js";
import type { ProfileAddon } from "../profile/native-profile.js";
import { type CpuProfile, openProfile } from "../profile/open-profile.js";

const defaultSamplesPerSecond = 99;
const defaultLimit = 500;
const mostFunctions = 200;

export async function investigateProfile(
  addon: Partial<ProfileAddon>,
  { samplesPerSecond, limit }: ProfileQuestion,
  filter: TraceFilter | undefined,
): Promise<Investigation> {
  const { pids = [], cgroupIds = [], $typeName: _, $unknown: __, ...others } = filter ?? {};
  refuseFilters(others);
  const rate = samplesPerSecond || defaultSamplesPerSecond;
  const profile = await openProfile(addon, { samplesPerSecond: rate, pids, cgroups: cgroupIds });
  const describe = (taken: CpuProfile) => describeProfile(taken, limit || defaultLimit);
  return {
    backend: "bpf",
    notes: ["user stacks are walked by frame pointers: code without them hides its callers"],
    read: async () => describe(await profile.read()),
    // Its cost is its rate, which was asked for.
    degrade: () => TraceDetail.FULL,
    close: async () => describe(await profile.close()),
  };
}

function describeProfile({ account, stacks, endedEarly, cpus }: CpuProfile, limit: number): Findings {
  const rows = [...sumFolded(stacks)].sort(([, one], [, other]) => other - one);
  const others = rows.slice(limit).reduce((sum, [, samples]) => sum + samples, 0);
  const { taken, idle, filtered, uncounted, counted, lostStacks, unreadableStacks, cutStacks } = account;
  const weak = { lostStacks, unreadableStacks, cutStacks, endedEarly };
  return {
    accounts: [
      {
        name: "profile",
        attempted: BigInt(taken),
        filtered: BigInt(idle + filtered),
        ringFull: BigInt(uncounted),
        delivered: BigInt(counted),
      },
    ],
    stacks: rows.slice(0, limit).map(([folded, samples]) => ({ folded, samples: BigInt(samples) })),
    otherCount: BigInt(others),
    functions: costliestFunctions(rows),
    notes: [
      `${cpus} CPUs were sampled; samples of an idle one count as filtered`,
      ...Object.entries(weak)
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${count} samples have a stack that is not whole (${name})`),
    ],
  };
}

// By what each took itself. A function that calls itself is in a stack once.
function costliestFunctions(rows: readonly [string, number][]) {
  const costs = new Map<string, { self: number; total: number }>();
  for (const [folded, samples] of rows) {
    const [process = "", ...frames] = folded.split(";");
    for (const name of new Set(frames)) {
      const cost = costs.get(`${process} ${name}`) ?? { self: 0, total: 0 };
      cost.total += samples;
      if (name === frames.at(-1)) cost.self += samples;
      costs.set(`${process} ${name}`, cost);
    }
  }
  return [...costs]
    .sort(([, one], [, other]) => other.self - one.self || other.total - one.total)
    .slice(0, mostFunctions)
    .map(([name, { self, total }]) => ({ function: name, selfSamples: BigInt(self), totalSamples: BigInt(total) }));
}

function refuseFilters(others: object): void {
  const given = Object.entries(others).find(([, values]) => Array.isArray(values) && values.length > 0);
  if (!given) return;
  throw failure(ErrorReason.INVALID_ARGUMENT, `a profile cannot be filtered by ${given[0]}`, {
    metadata: { field: `filter.${given[0]}`, rule: "profile.filter" },
    remedy: "filter it by pids or cgroup_ids",
  });
}
