// Reads what the addon hands over of a profile. native/linux/profile/profile_session.hh and native/linux/bpf/profile_layout.h
// say the same.

/** What became of the samples: taken = idle + filtered + counted + uncounted, exactly when the profile is closed. */
export interface ProfileAccount {
  readonly taken: number;
  /** No process ran. */
  readonly idle: number;
  readonly filtered: number;
  /** In the profile. */
  readonly counted: number;
  /** Dropped: no room for another combination of process and stacks. */
  readonly uncounted: number;
  /** Counted without a stack, for which there was no room. */
  readonly lostStacks: number;
  /** Counted without a stack, which the kernel could not walk. */
  readonly unreadableStacks: number;
  /** Stacks as deep as the kernel walks (127 frames): their outermost frames are probably missing. */
  readonly cutStacks: number;
}

/** A process for ever, in one of the programs that it ran. */
export interface ProfiledProcess {
  readonly pid: number;
  /** Since boot. */
  readonly startNs: bigint;
  readonly comm: string;
}

/** Why a stack has no frames though the CPU was there. */
export type MissingStack = "none" | "lost" | "unreadable";

/** Addresses, innermost first. */
export interface RawStack {
  readonly addresses: BigUint64Array;
  readonly missing: MissingStack;
}

export interface RawSample {
  readonly process: ProfiledProcess;
  readonly count: number;
  readonly kernel: RawStack;
  readonly user: RawStack;
}

export interface RawProfile {
  readonly account: ProfileAccount;
  readonly durationNs: bigint;
  /** That were sampled. */
  readonly cpus: number;
  readonly samples: readonly RawSample[];
}

const accountFields = [
  "taken",
  "idle",
  "filtered",
  "counted",
  "uncounted",
  "lostStacks",
  "unreadableStacks",
  "cutStacks",
] as const satisfies readonly (keyof ProfileAccount)[];

const missingStacks: readonly MissingStack[] = ["none", "lost", "unreadable"];
const wordBytes = 8;
const processBytes = 32;
const sampleBytes = 56;

export function decodeProfile(buffer: ArrayBuffer): RawProfile {
  const words = new BigUint64Array(buffer, 0, accountFields.length + 2);
  const account = Object.fromEntries(accountFields.map((field, index) => [field, Number(words[index])]));
  const samples: RawSample[] = [];
  for (let at = words.byteLength; at < buffer.byteLength; ) {
    const sample = decodeSample(buffer, at);
    samples.push(sample);
    at += sampleBytes + sample.kernel.addresses.byteLength + sample.user.addresses.byteLength;
  }
  return {
    account: account as unknown as ProfileAccount,
    durationNs: words[accountFields.length] as bigint,
    cpus: Number(words[accountFields.length + 1]),
    samples,
  };
}

export function decodeProcesses(buffer: ArrayBuffer): ProfiledProcess[] {
  return Array.from({ length: buffer.byteLength / processBytes }, (_, index) =>
    decodeProcess(buffer, index * processBytes),
  );
}

function decodeSample(buffer: ArrayBuffer, at: number): RawSample {
  const [count] = new BigUint64Array(buffer, at + processBytes, 1);
  const numbers = new Uint32Array(buffer, at + processBytes + wordBytes, 4);
  const [kernelDepth = 0, userDepth = 0, kernelMissing = 0, userMissing = 0] = numbers;
  const stacks = at + sampleBytes;
  return {
    process: decodeProcess(buffer, at),
    count: Number(count),
    kernel: stackOf(new BigUint64Array(buffer, stacks, kernelDepth), kernelMissing),
    user: stackOf(new BigUint64Array(buffer, stacks + kernelDepth * wordBytes, userDepth), userMissing),
  };
}

function stackOf(addresses: BigUint64Array, missing: number): RawStack {
  return { addresses, missing: missingStacks[missing] ?? "unreadable" };
}

function decodeProcess(buffer: ArrayBuffer, at: number): ProfiledProcess {
  const [startNs] = new BigUint64Array(buffer, at, 1);
  const [pid] = new Uint32Array(buffer, at + 8, 1);
  const comm = Buffer.from(buffer, at + 16, 16);
  const end = comm.indexOf(0);
  return { pid: pid as number, startNs: startNs as bigint, comm: comm.toString("utf8", 0, end < 0 ? 16 : end) };
}
