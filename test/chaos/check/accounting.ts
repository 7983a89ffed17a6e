// Promise 1: targeted is at every moment the sum of the states, and every targeted host has one state.
import { HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import type { Account, RunHistory, RunView } from "../history.js";
import type { Check } from "./check.js";

const fields = ["ok", "failed", "denied", "expired", "queued", "cancelled", "noAnswer", "indeterminate"] as const;

const stateOfField: Record<(typeof fields)[number], HostState> = {
  ok: HostState.OK,
  failed: HostState.FAILED,
  denied: HostState.DENIED,
  expired: HostState.EXPIRED,
  queued: HostState.QUEUED,
  cancelled: HostState.CANCELLED,
  noAnswer: HostState.NO_ANSWER,
  indeterminate: HostState.INDETERMINATE,
};

export const accountingChecks: readonly Check[] = [
  {
    name: "targeted is the sum of the eight states at every moment",
    *find({ runs }) {
      for (const run of runs) {
        const told = run.accounts.map((account, index) => ({ account, when: `event ${index + 1}` }));
        const seen = run.views.map(({ account, moment }) => ({ account, when: moment }));
        for (const { account, when } of [...told, ...seen]) {
          const wrong = wrongSum(account) ?? wrongTargets(account, run);
          if (wrong) yield { subject: run.label, detail: `${when}: ${wrong}` };
        }
      }
    },
  },
  {
    name: "every targeted host has exactly one state, and the states are as many as accounted",
    *find({ runs }) {
      for (const run of runs) {
        for (const view of run.views) {
          for (const detail of wrongHosts(run, view)) yield { subject: run.label, detail: `${view.moment}: ${detail}` };
        }
      }
    },
  },
  {
    name: "every run that there is ends",
    *find({ runs }) {
      for (const run of runs.filter(({ runId }) => runId !== undefined)) {
        const last = run.views.at(-1);
        if (!last) yield { subject: run.label, detail: `run ${run.runId} could never be read again` };
        else if (!last.isFinished)
          yield { subject: run.label, detail: `run ${run.runId} is not finished: ${show(last)}` };
        else if (last.account.queued > 0) yield { subject: run.label, detail: `hosts are still queued: ${show(last)}` };
      }
    },
  },
];

function wrongSum(account: Account): string | undefined {
  const sum = fields.reduce((total, field) => total + account[field], 0);
  if (sum === account.targeted) return undefined;
  return `${account.targeted} are targeted and the states sum up to ${sum}`;
}

function wrongTargets(account: Account, { targeted, hosts }: RunHistory): string | undefined {
  if (targeted !== undefined && account.targeted !== targeted) {
    return `${account.targeted} are targeted, ${targeted} were when it started`;
  }
  return account.targeted === hosts.length ? undefined : `${account.targeted} are targeted of ${hosts.length} chosen`;
}

function* wrongHosts(run: RunHistory, view: RunView): Generator<string> {
  const names = view.hosts.map(({ name }) => name);
  const seen = new Set(names);
  if (seen.size !== names.length) yield `${names.length - seen.size} hosts are listed twice`;
  const missing = run.hosts.filter((name) => !seen.has(name));
  if (missing.length > 0) yield `no state is listed for ${missing.join(", ")}`;
  const strange = names.filter((name) => !run.hosts.includes(name));
  if (strange.length > 0) yield `${strange.join(", ")} are listed and were not targeted`;
  for (const field of fields) {
    const listed = view.hosts.filter(({ state }) => state === stateOfField[field]).length;
    if (listed !== view.account[field]) yield `${field} is ${view.account[field]}, and ${listed} hosts are listed so`;
  }
}

function show({ account }: RunView): string {
  return fields
    .filter((field) => account[field] > 0)
    .map((field) => `${account[field]} ${field}`)
    .join(", ");
}
