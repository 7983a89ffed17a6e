// A CPU profile that is being taken, with names: who runs on the CPUs, and where. User stacks are walked by frame pointers:
// code that was compiled without them (most C libraries, some distributions' programs) hides its callers, and a function that
// calls none and has no frame hides the one that called it.
import { stat } from "node:fs/promises";
import { ErrorReason, failure } from "../../../shared/errors.js";
import { isVanished } from "../procfs/proc-error.js";
import { AddressSpaces, keyOf } from "./address-spaces.js";
import { countEndedEarly } from "./count-ended-early.js";
import {
  decodeProcesses,
  decodeProfile,
  type ProfileAccount,
  type ProfiledProcess,
  type RawSample,
} from "./decode-profile.js";
import { learnWhile } from "./learn-while.js";
import type { NativeProfile, ProfileAddon } from "./native-profile.js";
import { describeRefusal } from "./profile-refusal.js";
import { type ProfileStack, symbolize } from "./symbolize.js";

export interface ProfileOptions {
  /** Of each CPU, 1 to 10,000; 99 by default, which does not beat in time with what runs every 10 ms. */
  readonly samplesPerSecond?: number;
  /** Only these processes. */
  readonly pids?: readonly number[];
  /** Only these groups, by id, and the groups below them. */
  readonly cgroups?: readonly bigint[];
  /** Different stacks that there is room for in the kernel, 1 KiB each; 16,384 by default. */
  readonly mostStacks?: number;
  /** Different combinations of a process and its stacks that there is room for; 32,768 by default. */
  readonly mostCounts?: number;
}

export interface CpuProfile {
  readonly account: ProfileAccount;
  readonly samplesPerSecond: number;
  readonly durationNs: bigint;
  /** That were sampled: those that were on at the beginning. */
  readonly cpus: number;
  readonly stacks: readonly ProfileStack[];
  /** Samples whose user stack does not reach the begin of its thread, as far as that can be told. */
  readonly endedEarly: number;
}

export interface Profile {
  /** Everything since the beginning. Samples that are taken meanwhile may be in the account and not in the stacks. */
  read(): Promise<CpuProfile>;
  /** Takes no more samples and resolves with the last read; nothing of the profile is left in the kernel. */
  close(): Promise<CpuProfile>;
}

const defaults = { samplesPerSecond: 99, mostStacks: 16_384, mostCounts: 32_768 };
const mostSamplesPerSecond = 10_000;
const mostFilterValues = 8192;
/** Loads the kernel's program and starts the clocks. */
export async function openProfile(addon: Partial<ProfileAddon>, options: ProfileOptions = {}): Promise<Profile> {
  const { pids = [], cgroups = [], ...given } = options;
  const sizes = { ...defaults, ...given };
  if (!isComplete(addon)) {
    throw failure(ErrorReason.UNSUPPORTED, "this build of the native addon takes no CPU profiles", {
      metadata: { operation: "cpu profile", needs: "clang, bpftool, libbpf-dev" },
      remedy: "install clang, bpftool and libbpf-dev and build it again: node .ci/setup.mjs",
    });
  }
  refuseOutside("samples per second", sizes.samplesPerSecond, 1, mostSamplesPerSecond);
  refuseOutside("processes", pids.length, 0, mostFilterValues);
  refuseOutside("cgroups", cgroups.length, 0, mostFilterValues);
  refuseOutside("stacks", sizes.mostStacks, 1, 1 << 20);
  refuseOutside("counts", sizes.mostCounts, 1, 1 << 20);
  await Promise.all(pids.map(refuseUnknown));
  const filter = { pids: BigUint64Array.from(pids, BigInt), cgroups: BigUint64Array.from(cgroups) };
  const native = await addon.openProfile({ ...sizes, ...filter }).catch((error: unknown) => {
    throw describeRefusal(error, sizes.samplesPerSecond);
  });
  return profileOn(addon, native, sizes.samplesPerSecond);
}

function isComplete(addon: Partial<ProfileAddon>): addon is ProfileAddon {
  return addon.openProfile !== undefined && addon.findSymbols !== undefined;
}

function profileOn(addon: ProfileAddon, native: NativeProfile, samplesPerSecond: number): Profile {
  const spaces = new AddressSpaces();
  let closing: Promise<CpuProfile> | undefined;
  const learning = learnWhile(spaces, async () => (closing ? [] : decodeProcesses(await native.takeProcesses())));

  const complete = async (buffer: ArrayBuffer): Promise<CpuProfile> => {
    const { samples, ...rest } = decodeProfile(buffer);
    await learning.look(distinctProcesses(samples));
    const stacks = await symbolize(addon, spaces, samples);
    return { ...rest, samplesPerSecond, stacks, endedEarly: countEndedEarly(stacks) };
  };
  const closeAll = async () => {
    try {
      try {
        return await complete(await native.close());
      } finally {
        await learning.stop();
      }
    } finally {
      await spaces.close();
    }
  };

  return {
    read: async () => complete(await native.read()),
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

function distinctProcesses(samples: readonly RawSample[]): ProfiledProcess[] {
  return [...new Map(samples.map(({ process }) => [keyOf(process), process])).values()];
}

function refuseOutside(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw failure(ErrorReason.INVALID_ARGUMENT, `a CPU profile cannot have ${value} ${what}`, {
    metadata: { field: what, rule: `${least} to ${most}` },
    remedy: `choose a whole number from ${least} to ${most}`,
  });
}

async function refuseUnknown(pid: number): Promise<void> {
  if (!Number.isInteger(pid) || pid < 1) refuseOutside("as the id of a process", pid, 1, 2 ** 22);
  try {
    await stat(`/proc/${pid}`);
  } catch (error) {
    if (!isVanished(error)) throw error;
    throw failure(ErrorReason.UNKNOWN_PROCESS, `there is no process ${pid}, so it has no CPU profile`, {
      metadata: { pid: String(pid) },
      remedy: "list the processes of the host and choose one of these",
      cause: error,
    });
  }
}
