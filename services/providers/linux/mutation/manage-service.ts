// ManageService: one action on one unit, and what it really led to.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ManageServiceRequest,
  ManageServiceResponseSchema,
} from "../../../gen/systemsmanager/mutation/v1/service_pb.js";
import { ServiceAction } from "../../../gen/systemsmanager/mutation/v1/service_pb.js";
import { ErrorReason, failure, hasReason } from "../../../shared/errors.js";
import { messageLimit, textOf } from "../logs/journal-entry.js";
import { readJournal } from "../logs/journalctl.js";
import { runProgram } from "../run-program.js";
import { requireSystemd } from "../service-manager/require-systemd.js";
import { showUnit, showUnits, systemctl } from "../service-manager/systemctl.js";
import type { UnitProperties } from "../service-manager/unit.js";
import { normalizeUnitName } from "../service-manager/unit-name.js";
import { requireRoot } from "./require-root.js";
import { settleUnit } from "./settle-unit.js";
import { actionTraits, bootStateOf, predictState, runStateOf } from "./unit-change.js";
import { readUnmaskedState } from "./unmasked-state.js";

const logLines = 10;

/** Carries out the action, or in a dry run tells what it would change. */
export async function manageService(
  { name, action, dryRun }: ManageServiceRequest,
  signal: AbortSignal,
): Promise<MessageInitShape<typeof ManageServiceResponseSchema>> {
  requireRoot("ManageService");
  requireSystemd();
  const unit = await showUnit(normalizeUnitName(name), signal);
  const subject = unit.Id ?? "";
  const traits = actionTraits[action as keyof typeof actionTraits];
  const stateOf = traits.changes === "run" ? runStateOf : bootStateOf;
  const predicted = predictState(action, unit, () => readUnmaskedState(subject));
  if (predicted === undefined) return { changes: [], dryRun };
  const from = stateOf(unit);
  if (dryRun) return { changes: [{ subject, kind: traits.kind, from, to: predicted }], dryRun };
  const after = await carryOut(traits.verb, action, unit, signal);
  return { changes: [{ subject, kind: traits.kind, from, to: stateOf(after) }], dryRun };
}

async function carryOut(
  verb: string,
  action: ServiceAction,
  unit: UnitProperties,
  signal: AbortSignal,
): Promise<UnitProperties> {
  const name = unit.Id ?? "";
  // A mask or link below /run is gone by the next boot, and only --runtime takes it away before.
  const runtime =
    unit.UnitFileState?.endsWith("-runtime") && (verb === "unmask" || verb === "disable") ? ["--runtime"] : [];
  const starts = action === ServiceAction.START || action === ServiceAction.RESTART;
  try {
    await systemctl([verb, ...runtime, "--", name], { signal });
  } catch (error) {
    if (!hasReason(error, ErrorReason.COMMAND_FAILED)) throw error;
    throw await failedAction(verb, name, signal, error);
  }
  if (!starts) return (await showUnits([name], signal))[0] ?? unit;
  const { unit: settled, isUp } = await settleUnit(name, knownRestartsOf(unit), signal);
  if (isUp) return settled;
  throw await failedAction(verb, name, signal);
}

function knownRestartsOf({ ActiveState, NRestarts }: UnitProperties): number {
  return ActiveState === "activating" ? Number(NRestarts ?? 0) : 0;
}

// The state is systemd's own words; what the service wrote is untrusted and stands in the metadata alone.
async function failedAction(verb: string, name: string, signal: AbortSignal, cause?: unknown) {
  const unit = (await showUnits([name], signal))[0] ?? {};
  const { Result: result = "", ExecMainStatus: status = "" } = unit;
  const state = runStateOf(unit);
  return failure(
    ErrorReason.COMMAND_FAILED,
    `${verb} of ${name} failed: it is ${state}, result ${result}, status ${status}`,
    {
      metadata: {
        program: `systemctl ${verb}`,
        exit_code: status,
        unit: name,
        state,
        result,
        output: await readLastLines(name, signal),
      },
      remedy: "the error's metadata has its last log lines",
      cause,
    },
  );
}

async function readLastLines(unit: string, signal: AbortSignal): Promise<string> {
  const lines: string[] = [];
  const take = (fields: Parameters<Parameters<typeof readJournal>[1]>[0]) => {
    lines.unshift(textOf(fields, "MESSAGE").slice(0, messageLimit / logLines));
    return true;
  };
  try {
    // systemd has told it to the journal, which may not have written it yet.
    await runProgram("journalctl", ["--sync"], { signal });
    await readJournal([`--unit=${unit}`, "--boot=0", `--lines=${logLines}`], take, signal);
  } catch (error) {
    // The unit's failure is the answer, with or without its log.
    return `its log could not be read: ${error instanceof Error ? error.message : String(error)}`;
  }
  return lines.join("\n");
}
