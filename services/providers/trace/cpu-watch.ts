// Whether this process keeps to a share of a CPU.

const lookEveryMs = 1_000;

export interface CpuWatch {
  stop(): void;
}

/** Calls onExceeded with the share of each second that is the second one in a row in which the process took more. Works until stopped. */
export function watchCpu(budget: number, onExceeded: (share: number) => void): CpuWatch {
  let before = process.cpuUsage();
  let since = performance.now();
  // Loading a session's programs takes up to a second's budget by itself.
  let wasExceeded = false;
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    const now = performance.now();
    const share = (user + system) / 1_000 / (now - since);
    before = process.cpuUsage();
    since = now;
    const isExceeded = share > budget;
    if (isExceeded && wasExceeded) onExceeded(share);
    wasExceeded = isExceeded;
  }, lookEveryMs).unref();
  return { stop: () => clearInterval(timer) };
}
