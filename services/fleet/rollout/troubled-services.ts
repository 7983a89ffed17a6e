// Which services of a host are in trouble, and which hosts are worse off than before.
import { fromBinary } from "@bufbuild/protobuf";
import { HostState } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import {
  ActiveState,
  type ListServicesRequest,
  ListServicesResponseSchema,
  type Service,
} from "../../gen/systemsmanager/telemetry/v1/service_pb.js";
import type { TrackedRun } from "../run/tracked-run.js";

/** What to ask of hosts, so that none says more than is needed: services that failed, and those between two starts. */
export const troubleQuestion = {
  activeStates: [ActiveState.FAILED, ActiveState.ACTIVATING],
  limit: 10_000,
} satisfies Partial<ListServicesRequest>;

/** Indexes into the run `behind` of hosts that do not answer, or have a service in trouble that `before` does not name. */
export function worseHosts(before: TrackedRun | undefined, behind: TrackedRun): number[] {
  const former = before && new TroubleReader(before);
  const present = new TroubleReader(behind);
  return [...behind.targets.keys()].filter((index) => {
    const { hostId = "" } = behind.targets[index] ?? {};
    const known = former?.of(before?.indexOf(hostId));
    const found = present.of(index);
    if (found === undefined) return !saysTheSame(before, behind, hostId);
    return [...found].some((name) => !known?.has(name));
  });
}

// A host that cannot list services and said so before too has answered, and is as well as it was.
function saysTheSame(before: TrackedRun | undefined, behind: TrackedRun, hostId: string): boolean {
  const [former, present] = [before, behind].map((run) => run?.answerOf(run.indexOf(hostId) ?? -1));
  if (!former?.answered || !present?.answered) return false;
  return former.state === present.state && former.problem?.reason === present.problem?.reason;
}

/** Reads the troubled services out of a run's answers, each distinct answer once. */
class TroubleReader {
  readonly #run: TrackedRun;
  readonly #known = new Map<string, ReadonlySet<string>>();

  constructor(run: TrackedRun) {
    this.#run = run;
  }

  /** Names of a host's services in trouble; undefined when it did not list its services. */
  of(index: number | undefined): ReadonlySet<string> | undefined {
    const answer = index === undefined ? undefined : this.#run.answerOf(index);
    if (answer?.state !== HostState.OK || answer.digest === undefined) return undefined;
    const known = this.#known.get(answer.digest);
    if (known) return known;
    const { services } = fromBinary(ListServicesResponseSchema, this.#run.bodyOf(answer.digest));
    const names = new Set(services.filter(isTroubled).map(({ name }) => name));
    this.#known.set(answer.digest, names);
    return names;
  }
}

// A service that systemd starts again and again is for most of the time between two starts, not failed.
function isTroubled({ activeState, subState }: Service): boolean {
  return activeState === ActiveState.FAILED || subState.startsWith("auto-restart");
}
