// Hosts that did not answer: coverage by state, and errors by class.
import { create } from "@bufbuild/protobuf";
import { ErrorReason } from "../../gen/systemsmanager/errors/v1/error_reason_pb.js";
import type { Accounting, HostError } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { type HostState, HostStateSchema } from "../../gen/systemsmanager/fleet/v1/run_pb.js";
import { type ErrorClass, ErrorClassSchema } from "../../gen/systemsmanager/fleet/v1/summary_pb.js";
import { reasonName } from "../../shared/errors.js";
import { cleanUntrusted } from "../../shared/untrusted-text.js";
import { BoundedTable } from "../aggregate/bounded-table.js";
import { compareText } from "../aggregate/hash.js";
import { addHosts, emptyHostSet, type HostSet, hostSetOf } from "../aggregate/host-set.js";
import { getOrSet } from "../aggregate/row.js";
import { maskLine } from "../aggregate/templates/mask-line.js";
import { type Line, lineOf } from "./line.js";
import { plural, showCount, showHosts, showUntrusted } from "./show-value.js";

const classLimit = 1_000;
const messageLength = 300;

/** A host that is neither OK nor QUEUED. */
export interface Failure {
  host: string;
  state: HostState;
  error?: HostError;
}

interface Class {
  readonly state: HostState;
  readonly reason: ErrorReason;
  /** Of the host with the smallest name. */
  first: { host: string; message: string; remedy: string };
  readonly hosts: HostSet;
}

/** Failures, reduced. */
export interface Failures {
  /** Hosts by state, for coverage. */
  readonly byState: ReadonlyMap<HostState, HostSet>;
  /** Classes, most hosts first. */
  readonly classes: ErrorClass[];
  readonly lines: Line[];
  /** Hosts whose class fell to the bound. */
  readonly lostHosts: number;
}

/** Reduces failures: one class for equal state, reason and message with its variables masked. */
export function classifyFailures(failures: Iterable<Failure>): Failures {
  const byState = new Map<HostState, HostSet>();
  let lostHosts = 0;
  const table = new BoundedTable<Class>(classLimit, {
    weigh: () => 1,
    merge: mergeClass,
    onEvict: ({ hosts }) => {
      lostHosts += hosts.count;
    },
  });
  for (const failure of failures) {
    const added = classOf(failure);
    addHosts(getOrSet(byState, failure.state, emptyHostSet), added.hosts);
    table.update(
      [failure.state, added.reason, maskLine(added.first.message)].join(" "),
      () => ({ ...added, hosts: emptyHostSet() }),
      (known) => mergeClass(known, added),
    );
  }
  const classes = table.entries().map(([, found]) => found);
  classes.sort((a, b) => b.hosts.count - a.hosts.count || compareText(a.first.host, b.first.host));
  const told = classes.filter(({ reason, first }) => reason !== ErrorReason.UNSPECIFIED || first.message !== "");
  return { byState, classes: classes.map(errorClassOf), lines: told.map(classLine), lostHosts };
}

/** "asked 5 hosts: 4 ok, 1 no_answer", and a line that names the hosts of each other state. */
export function coverageLines(accounting: Accounting, byState: ReadonlyMap<HostState, HostSet>): Line[] {
  const counts = HostStateSchema.values
    .map(({ localName, number }) => ({ state: stateName(number), number, count: stateCount(accounting, localName) }))
    .filter(({ count }) => count > 0);
  const states = counts.map(({ state, count }) => `${showCount(count)} ${state}`).join(", ");
  const uncounted = [
    { kind: "late", count: accounting.lateReplies },
    { kind: "duplicate", count: accounting.duplicateReplies },
    { kind: "invalid", count: accounting.invalidReplies },
  ].filter(({ count }) => count > 0);
  const replies = uncounted.map(({ kind, count }) => `${showCount(count)} ${kind}`).join(", ");
  const extra = replies === "" ? "" : `; replies beside these: ${replies}`;
  const named = counts.flatMap(({ state, number }) => {
    const hosts = byState.get(number);
    return hosts && hosts.count > 0 ? [lineOf(`${state}: ${showHosts(hosts, 5)}`)] : [];
  });
  return [lineOf(`asked ${plural(accounting.targeted, "host")}: ${states || "none"}${extra}`), ...named];
}

function stateCount(accounting: Accounting, localName: string): number {
  const field = localName.toLowerCase().replace(/_(.)/g, (_whole, letter: string) => letter.toUpperCase());
  const count = (accounting as unknown as Record<string, unknown>)[field];
  return typeof count === "number" ? count : 0;
}

function stateName(state: HostState): string {
  return (HostStateSchema.value[state]?.localName ?? `state_${state}`).toLowerCase();
}

function classOf({ host, state, error }: Failure): Class {
  const message = cleanUntrusted(error?.message ?? "", messageLength);
  const remedy = cleanUntrusted(error?.remedy ?? "", messageLength);
  return {
    state,
    reason: error?.reason ?? ErrorReason.UNSPECIFIED,
    first: { host, message, remedy },
    hosts: hostSetOf([host]),
  };
}

function mergeClass(target: Class, added: Class): void {
  if (added.first.host < target.first.host) target.first = added.first;
  addHosts(target.hosts, added.hosts);
}

function errorClassOf({ state, reason, first, hosts }: Class): ErrorClass {
  const { message, remedy } = first;
  const named = { hostCount: hosts.count, hosts: [...hosts.names] };
  return create(ErrorClassSchema, { reason, state: stateName(state), message, remedy, ...named });
}

function classLine({ state, reason, first, hosts }: Class): Line {
  const remedy =
    first.remedy && !first.message.includes(first.remedy) ? `; remedy ${showUntrusted(first.remedy, 200)}` : "";
  const where = `${plural(hosts.count, "host")} ${stateName(state)}`;
  return lineOf(
    `${where}, ${reasonName(reason)} (${showHosts(hosts, 5)}): ${showUntrusted(first.message, 240)}${remedy}`,
  );
}
