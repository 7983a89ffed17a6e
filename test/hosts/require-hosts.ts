// Whether real hosts can run here. Every suite that boots hosts starts with
//   const skipped = await requireHosts();
//   describe.skipIf(skipped)("...", () => { ... });
import { execa } from "execa";
import { reportSkip } from "../shared/report-skip.js";

/** Runs one of the folder's scripts. */
export function script(name: string, ...args: string[]) {
  return { file: "bash", args: [new URL(`./${name}`, import.meta.url).pathname, ...args] };
}

let answer: Promise<string | undefined> | undefined;

/**
 * The reason why hosts cannot run on this machine, or undefined once they can. It prepares what they boot from, which
 * takes about a minute the first time. With CI=true a machine that cannot is an error, so that nothing is skipped unseen.
 */
export function requireHosts(): Promise<string | undefined> {
  answer ??= findReason();
  return answer;
}

async function findReason(): Promise<string | undefined> {
  const reason = (await failure("probe.sh", 30_000)) ?? (await failure("prepare.sh", 900_000));
  if (reason !== undefined) reportSkip("real hosts", reason, process.env.CI === "true");
  return reason;
}

async function failure(name: string, timeout: number): Promise<string | undefined> {
  const { file, args } = script(name);
  const result = await execa(file, args, { reject: false, timeout, stdin: "ignore" });
  if (!result.failed) return undefined;
  return result.stderr.trim() || result.shortMessage;
}
