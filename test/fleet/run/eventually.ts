// Waiting for what a busy machine does late: until it holds, for at most ten seconds.
import { vi } from "vitest";

export function eventually(action: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(action, { timeout: 10_000, interval: 20 });
}
