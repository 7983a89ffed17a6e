// The report of `doctor`, for people and for programs.
import { toJson } from "@bufbuild/protobuf";
import {
  CapabilityState,
  type GetTracingCapabilitiesResponse,
  GetTracingCapabilitiesResponseSchema,
  type TracingCapability,
} from "../gen/systemsmanager/telemetry/v1/tracing_capability_pb.js";
import type { Requirement } from "../providers/requirement.js";
import { productVersion } from "../shared/version.js";

export interface DoctorReport {
  readonly requirements: readonly Requirement[];
  readonly tracing: GetTracingCapabilitiesResponse;
}

/** {version, requirements: [{name, isMet, finding, remedy}], tracing: GetTracingCapabilitiesResponse}. */
export function reportToJson({ requirements, tracing }: DoctorReport): string {
  const told = toJson(GetTracingCapabilitiesResponseSchema, tracing, { alwaysEmitImplicit: true });
  return JSON.stringify({ version: productVersion, requirements, tracing: told }, undefined, 2);
}

/** Tables, and below them what to do. */
export function formatReport({ requirements, tracing }: DoctorReport): string {
  const missing = requirements.filter(({ isMet }) => !isMet);
  const verdict =
    missing.length === 0
      ? "nothing is missing that a daemon needs"
      : `missing for a daemon: ${missing.map(({ name }) => name).join(", ")}`;
  return [
    `systems-manager ${productVersion}: ${verdict}`,
    "",
    ...formatTable(requirements.map(({ name, isMet, finding }) => [isMet ? "ok" : "MISSING", name, finding])),
    ...missing.filter(({ remedy }) => remedy !== "").map(({ name, remedy }) => `to do for ${name}: ${remedy}`),
    "",
    ...describeKernel(tracing),
    ...formatTable(tracing.capabilities.map(describeCapability)),
    ...describeRemedies(tracing.capabilities),
  ].join("\n");
}

function describeKernel({ kernelRelease, hasBtf, lockdown, privileges }: GetTracingCapabilitiesResponse): string[] {
  const btf = hasBtf ? "with BTF" : "without BTF";
  const held = privileges.length === 0 ? "none of those that tracing uses" : privileges.join(", ");
  return [`kernel ${kernelRelease} ${btf}, lockdown ${lockdown || "none"}; privileges: ${held}`];
}

// What is missing stands where a hook's weakness stands.
function describeCapability({ name, state, hook, weakness, refused }: TracingCapability): string[] {
  const refusals = refused.map((each) => `${each.hook}: ${each.reason}`);
  return [name, CapabilityState[state]?.toLowerCase() ?? String(state), hook, [weakness, ...refusals].join(" ").trim()];
}

// Most kinds lack the same.
function describeRemedies(capabilities: readonly TracingCapability[]): string[] {
  const names = new Map<string, string[]>();
  for (const { name, remedy } of capabilities) {
    if (remedy !== "") names.set(remedy, [...(names.get(remedy) ?? []), name]);
  }
  return [...names].map(([remedy, some]) => `to do for ${some.join(", ")}: ${remedy}`);
}

function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}
