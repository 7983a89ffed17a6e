// What the kernel and the daemon's rights say before anything is tried.
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { isVanished } from "../procfs/proc-error.js";

/** Bits of the capabilities that tracing uses. */
const wanted: Readonly<Record<string, bigint>> = {
  CAP_SYS_PTRACE: 1n << 19n,
  CAP_SYS_ADMIN: 1n << 21n,
  CAP_PERFMON: 1n << 38n,
  CAP_BPF: 1n << 39n,
};

export function readKernel() {
  const lockdown = readOptional("/sys/kernel/security/lockdown");
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const held = BigInt(`0x${effective}`);
  return {
    kernelRelease: release(),
    hasBtf: readOptional("/sys/kernel/btf/vmlinux") !== undefined,
    lockdown: /\[(\w+)\]/.exec(lockdown ?? "")?.[1] ?? "",
    privileges: Object.keys(wanted).filter((name) => (held & (wanted[name] as bigint)) !== 0n),
  };
}

/** Undefined when there is no such file. */
function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (isVanished(error)) return undefined;
    throw error;
  }
}
