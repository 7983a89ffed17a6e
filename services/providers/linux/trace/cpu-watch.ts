// Whether this process keeps to a share of a CPU.

const lookEveryMs = 1_000;

export interface CpuWatch {
  stop(): void;
}

/** Calls onExceeded with the share of each second in which the process took more. Works until stopped. */
export function watchCpu(budget: number, onExceeded: (share: number) => void): CpuWatch {
  let before = process.cpuUsage();
  let since = performance.now();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    const now = performance.now();
    const share = (user + system) / 1_000 / (now - since);
    before = process.cpuUsage();
    since = now;
    if (share > budget) onExceeded(share);
  }, lookEveryMs).unref();
  return { stop: () => clearInterval(timer) };
}
