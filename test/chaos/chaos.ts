// Epochs of chaos on one world, each checked, until there were enough runs.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { foreignBrokers } from "../kafka/start-kafka.js";
import { checkEpoch } from "./check/check-epoch.js";
import { hostsBySubject } from "./check/executions.js";
import { runEpoch } from "./drive/run-epoch.js";
import type { EpochHistory, Violation } from "./history.js";
import { generateSchedule } from "./schedule/generate-schedule.js";
import { type FaultKind, faultKinds } from "./schedule/schedule.js";
import { addEpoch, type ChaosSummary, createSummary } from "./summary.js";
import { startWorld, type World } from "./world/world.js";

export interface ChaosOptions {
  /** One epoch each; see epochSeeds. */
  readonly seeds: Iterable<string>;
  /** Acknowledged runs after which no further epoch begins. */
  readonly runs: number;
  readonly hosts: number;
  /** 0: without Kafka, on the bus of one control plane. */
  readonly brokers: 0 | 1 | 3;
  /** For state, logs, and the histories of epochs. */
  readonly directory: string;
  readonly kinds?: readonly FaultKind[];
  readonly report: (line: string) => void;
}

const groups = 2;

/** Seeds of epochs without end. */
export function* epochSeeds(seed: string): Generator<string> {
  for (let epoch = 0; ; epoch++) yield `${seed}/${epoch}`;
}

/** Ends the world however the epochs ended. */
export async function runChaos(options: ChaosOptions): Promise<ChaosSummary> {
  const { directory, hosts, brokers } = options;
  const summary = createSummary(directory);
  const controlPlanes = brokers === 0 ? 1 : 2;
  const world = await startWorld({ directory, hosts, brokers, relays: 2, controlPlanes, emulators: groups });
  const ordered: Record<string, readonly string[]> = {};
  try {
    for (const seed of options.seeds) {
      const history = await doEpoch(seed, world, options, ordered);
      addEpoch(summary, history);
      Object.assign(ordered, hostsBySubject(history));
      if (summary.runs >= options.runs) break;
    }
    return summary;
  } finally {
    await world.close();
  }
}

async function doEpoch(
  seed: string,
  world: World,
  options: ChaosOptions,
  ordered: EpochHistory["orderedBefore"],
): Promise<EpochHistory & { violations: readonly Violation[] }> {
  const { hosts, report } = options;
  const since = Date.now();
  const history = await runEpoch(generateSchedule({ seed, hosts, groups, kinds: kindsOf(options) }), world, ordered);
  const violations = checkEpoch(history);
  report(describeEpoch(history, violations, Date.now() - since));
  const file = join(options.directory, `history-${seed.replaceAll("/", "-")}.json`);
  writeFileSync(file, JSON.stringify({ violations, ...history, orderedBefore: undefined, executions: own(history) }));
  if (violations.length > 0) {
    for (const { check, subject, detail } of violations) report(`  BROKEN: ${check}\n    ${subject}: ${detail}`);
    report(`  history: ${file}; again: --replay ${seed} --hosts ${hosts} --brokers ${options.brokers}`);
  }
  return { ...history, violations };
}

// The executions of the epoch's own changes.
function own({ executions, runs }: EpochHistory): EpochHistory["executions"] {
  const subjects = hostsBySubject({ runs });
  return executions.filter((execution) => execution.subjects.some((subject) => subject in subjects));
}

// A Kafka that is not ours is not broken. A bus that dies with its control plane takes everything with it that the relays had not got yet.
function kindsOf({ kinds = faultKinds, brokers }: ChaosOptions): readonly FaultKind[] {
  const ours = foreignBrokers ? kinds.filter((kind) => !kind.startsWith("broker")) : kinds;
  return brokers > 0 ? ours : ours.filter((kind) => !kind.startsWith("broker") && !kind.startsWith("control plane"));
}

function describeEpoch({ seed, runs, faults }: EpochHistory, violations: readonly Violation[], tookMs: number): string {
  const acknowledged = runs.filter(({ acknowledgedAtMs }) => acknowledgedAtMs !== undefined).length;
  const refused = runs.filter(({ runId }) => runId === undefined).length;
  const kinds = faults.map(({ kind }) => kind).join(", ") || "no fault";
  const seconds = (tookMs / 1_000).toFixed(1);
  return `epoch ${seed}: ${acknowledged} runs acknowledged, ${refused} refused, ${violations.length} violations, ${seconds} s (${kinds})`;
}
