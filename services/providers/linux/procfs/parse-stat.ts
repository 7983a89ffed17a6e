// Text of /proc/PID/stat and /proc/PID/statm.

/** The fields of /proc/PID/stat that the product uses. */
export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  readonly state: string;
  readonly parentPid: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  readonly threadCount: number;
  readonly startTicks: number;
  readonly isKernelThread: boolean;
}

const openingParenthesis = 0x28;
const closingParenthesis = 0x29;
const kernelThreadFlag = 0x00200000;

/**
 * Parses /proc/PID/stat (or a thread's). The name may hold any byte, so it ends at the last parenthesis. Undefined when the text
 * is cut, as it is when the process ends during the read.
 */
export function parseStat(bytes: Buffer): ProcessStat | undefined {
  const opening = bytes.indexOf(openingParenthesis);
  const closing = bytes.lastIndexOf(closingParenthesis);
  if (opening < 0 || closing < opening) return undefined;
  const fields = bytes.toString("latin1", closing + 2).split(" ");
  // fields[0] is field 3 of proc_pid_stat(5).
  const number = (field: number) => Number(fields[field - 3]);
  if (fields.length < 20) return undefined;
  return {
    pid: Number(bytes.toString("latin1", 0, opening)),
    name: bytes.toString("utf8", opening + 1, closing),
    state: fields[0] ?? "",
    parentPid: number(4),
    isKernelThread: (number(9) & kernelThreadFlag) !== 0,
    userTicks: number(14),
    systemTicks: number(15),
    threadCount: number(20),
    startTicks: number(22),
  };
}

/** Resident pages: the second number of statm, which newer kernels keep exact; stat's own may be off by megabytes on many CPUs. */
export function parseResidentPages(statm: string): number {
  return Number(statm.split(" ")[1] ?? 0);
}
