// A question to the whole fleet that is still being answered when something happens to the fleet.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Accounting } from "../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { settled } from "../../services/shared/settled.js";
import { type Asker, questionRequest } from "./ask-fleet.js";

export interface RunInFlight {
  /** Its last accounting, and how many hosts stand in no final state. */
  readonly finished: Promise<{ targeted: number; ok: number; unaccounted: number }>;
}

// Long enough for a fleet to come back and be asked again.
const patienceMs = 60_000;

/** Resolves when the command is on its way. */
export async function startRunInFlight(grpc: Asker["grpc"]): Promise<RunInFlight> {
  const request = { selector: "all", ...questionRequest, timeout: durationFromMs(patienceMs) };
  const call = new AbortController();
  const events = grpc.run(request, { timeoutMs: 2 * patienceMs, signal: call.signal })[Symbol.asyncIterator]();
  await events.next();
  // The call goes on with what comes after the summary, unless it is ended.
  const finished = followToEnd(events).finally(() => call.abort());
  // Looked at later; a run that fails meanwhile must not end the process.
  void settled(finished);
  return { finished };
}

async function followToEnd(events: AsyncIterator<{ event: { case?: string | undefined; value?: unknown } }>) {
  for (;;) {
    const { done, value } = await events.next();
    if (done) throw new Error("the run in flight ended without a summary");
    if (value.event.case !== "finished") continue;
    const { run } = value.event.value as { run: { accounting: Accounting } };
    return { ...run.accounting, unaccounted: run.accounting.targeted - finalStates(run.accounting) };
  }
}

function finalStates({ ok, failed, denied, expired, cancelled, noAnswer, indeterminate }: Accounting): number {
  return ok + failed + denied + expired + cancelled + noAnswer + indeterminate;
}
