// Hosts of a run that did not answer OK, by why.
import { create } from "@bufbuild/protobuf";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { type ErrorClass, ErrorClassSchema } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import type { TrackedRun } from "../run/tracked-run.js";
import { listGroups } from "./result-entries.js";
import { stateName } from "./view.js";

/** One class per state, reason and message, with all its hosts; the largest first. */
export function classifyErrors(run: TrackedRun): ErrorClass[] {
  return listGroups(run, {})
    .filter(({ answer }) => answer.state !== HostState.OK && answer.problem)
    .map(({ answer: { state, problem }, hosts }) =>
      create(ErrorClassSchema, {
        reason: problem?.reason ?? 0,
        state: stateName(state),
        message: problem?.message ?? "",
        remedy: problem?.remedy ?? "",
        hostCount: hosts.length,
        hosts: [...hosts],
      }),
    );
}
