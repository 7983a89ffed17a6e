// The handles that a summary offers: everything, the largest groups of equal answers, every state that is not OK.
import { create } from "@bufbuild/protobuf";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { type Handle, HandleSchema } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import type { TrackedRun } from "../run/tracked-run.js";
import { listAnswers } from "./result-entries.js";
import { sealHandle, stateName, type View } from "./view.js";

const maxGroups = 3;
const groupDigits = 12;
const problemStates = [
  HostState.FAILED,
  HostState.DENIED,
  HostState.EXPIRED,
  HostState.QUEUED,
  HostState.CANCELLED,
  HostState.NO_ANSWER,
  HostState.INDETERMINATE,
] as const;

/** The same for the same state of a run, whenever they are made. */
export function makeHandles(key: Uint8Array, run: TrackedRun, retentionMs: number): Handle[] {
  const { runId, principal, startedAtMs } = run.record;
  const terms = { principal, expiresAtMs: startedAtMs + retentionMs };
  const handle = (label: string, view: Omit<View, "runId">): Handle =>
    create(HandleSchema, { label, handle: sealHandle(key, { runId, ...view }, terms) });
  const groups = listAnswers(run);
  // An answer that one host gave is opened by the host's name; one that all gave, by the handle of all.
  const shown = groups.length > 1 ? groups.slice(0, maxGroups).filter(({ hosts }) => hosts.length > 1) : [];
  const states = problemStates.filter((state) => run.account.count(state) > 0);
  return [
    handle("all answers", {}),
    ...shown.map(({ digest, hosts }, index) =>
      handle(`group ${index + 1} of ${groups.length} of equal answers (${countHosts(hosts.length)})`, {
        group: digest.slice(0, groupDigits),
      }),
    ),
    ...states.map((state) =>
      handle(`hosts in state ${stateName(state)} (${countHosts(run.account.count(state))})`, { state }),
    ),
  ];
}

function countHosts(count: number): string {
  return count === 1 ? "1 host" : `${count.toLocaleString("en-US")} hosts`;
}
