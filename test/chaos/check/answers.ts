// What a run once said of a host's own word stays so: an answer that was told is never lost, whoever was killed since.
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import type { HostView, RunHistory } from "../history.js";
import type { Check } from "./check.js";

// States that the control plane gives itself, and takes back when the host says otherwise.
const provisional: readonly HostState[] = [
  HostState.QUEUED,
  HostState.NO_ANSWER,
  HostState.CANCELLED,
  HostState.EXPIRED,
];

export const answerChecks: readonly Check[] = [
  {
    name: "no acknowledged result is lost or changed",
    *find({ runs }) {
      for (const run of runs) {
        for (const detail of lostAnswers(run)) yield { subject: run.label, detail };
      }
    },
  },
  {
    name: "an OK host has an answer that opens",
    *find({ runs }) {
      for (const run of runs) {
        for (const { moment, hosts } of run.views) {
          const empty = hosts.filter(({ state, digest, hasBody }) => state === HostState.OK && !(digest && hasBody));
          if (empty.length === 0) continue;
          yield {
            subject: run.label,
            detail: `${moment}: no answer opens for ${empty.map(({ name }) => name).join(", ")}`,
          };
        }
      }
    },
  },
  {
    name: "the count of answers told never shrinks, and a run's revision neither",
    *find({ runs }) {
      for (const run of runs) {
        // What was opened between two events of the stream is compared with what was opened before.
        for (const told of [run.accounts, run.views.map(({ account }) => account)]) {
          const counts = told.map(({ ok }) => ok);
          const shrunk = counts.findIndex((count, index) => count < (counts[index - 1] ?? 0));
          if (shrunk > 0)
            yield { subject: run.label, detail: `ok went from ${counts[shrunk - 1]} to ${counts[shrunk]}` };
        }
        const [lastTold, lastSeen] = [run.accounts.at(-1)?.ok ?? 0, run.views.at(-1)?.account.ok];
        if (lastSeen !== undefined && lastSeen < lastTold) {
          yield { subject: run.label, detail: `${lastTold} ok were told, and ${lastSeen} are seen` };
        }
        const revisions = run.views.map(({ revision }) => revision);
        const back = revisions.findIndex((revision, index) => revision < (revisions[index - 1] ?? 0));
        if (back > 0)
          yield { subject: run.label, detail: `revision went from ${revisions[back - 1]} to ${revisions[back]}` };
      }
    },
  },
];

function* lostAnswers({ views }: RunHistory): Generator<string> {
  for (const [index, later] of views.entries()) {
    const earlier = views[index - 1];
    if (!earlier) continue;
    const now = new Map(later.hosts.map((host) => [host.name, host]));
    for (const host of earlier.hosts) {
      const wrong = changed(host, now.get(host.name));
      if (wrong) yield `${host.name} ${wrong} between ${earlier.moment} and ${later.moment}`;
    }
  }
}

function changed(before: HostView, after: HostView | undefined): string | undefined {
  if (provisional.includes(before.state)) return undefined;
  const was = HostState[before.state];
  if (!after) return `was ${was} and is gone`;
  if (after.state !== before.state) return `went from ${was} to ${HostState[after.state]}`;
  return after.digest === before.digest ? undefined : `changed its answer from ${before.digest} to ${after.digest}`;
}
