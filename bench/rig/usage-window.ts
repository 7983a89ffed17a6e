// Who used the CPU while something was measured: each role of the fleet, and everybody else on the machine.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { cpuMilliseconds, millisecondsPerTick } from "./process-usage.js";

/** Process ids by role; what is below a process counts with it. */
export type Roles<Role extends string> = Readonly<Record<Role, readonly number[]>>;

export interface UsageWindow<Role extends string, Value> {
  readonly value: Value;
  readonly wallMs: number;
  /** CPU time of each role. */
  readonly cpuMs: Readonly<Record<Role, number>>;
  /** Share of the machine's CPU time that went to processes of no role and not to this one: noise. */
  readonly othersShare: number;
}

/** Measures around `work`. */
export async function measureUsage<Role extends string, Value>(
  roles: Roles<Role>,
  work: () => Promise<Value>,
): Promise<UsageWindow<Role, Value>> {
  const before = readAll(roles);
  const value = await work();
  const after = readAll(roles);
  const wallMs = after.at - before.at;
  const names = Object.keys(roles) as Role[];
  const cpuOf = (role: Role) => after.roles[role] - before.roles[role];
  const cpuMs = Object.fromEntries(names.map((role) => [role, cpuOf(role)])) as Record<Role, number>;
  const measured = names.reduce((sum, role) => sum + cpuOf(role), 0) + after.own - before.own;
  const others = Math.max(0, after.busy - before.busy - measured);
  return { value, wallMs, cpuMs, othersShare: others / (wallMs * availableParallelism()) };
}

function readAll<Role extends string>(roles: Roles<Role>) {
  const names = Object.keys(roles) as Role[];
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now(),
    roles: Object.fromEntries(names.map((role) => [role, cpuMilliseconds(roles[role])])) as Record<Role, number>,
    own: (user + system) / 1000,
    busy: busyMilliseconds(),
  };
}

// The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
function busyMilliseconds(): number {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * millisecondsPerTick;
}
