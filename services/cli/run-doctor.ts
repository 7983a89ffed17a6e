// What `doctor` does; apart from its options, so that other verbs do not load a provider.
import { create } from "@bufbuild/protobuf";
import {
  GetTracingCapabilitiesRequestSchema,
  GetTracingCapabilitiesResponseSchema,
} from "../gen/systemsmanager/telemetry/v1/tracing_capability_pb.js";
import { checkRequirements, getOSProvider } from "../providers/get-os-provider.js";
import { checkRequirement } from "../providers/requirement.js";
import { createLogger, type Logger } from "../shared/log.js";
import { checkStateDirectory } from "./check-state-directory.js";
import { type DoctorReport, formatReport, reportToJson } from "./doctor-report.js";
import { statePaths } from "./state-directory.js";

export interface DoctorOptions {
  readonly stateDir: string;
  readonly json?: true;
}

/** Prints the report; the exit code is 1 when something is missing that a daemon needs. Weaker tracing is not. */
export async function runDoctor({ stateDir, json }: DoctorOptions): Promise<void> {
  const log = createLogger("doctor");
  // What goes on inside is in the report.
  if (process.env.SYSTEMS_MANAGER_LOG === undefined) log.level = "error";
  const { daemon } = statePaths(stateDir);
  const requirements = [
    ...(await checkRequirements(log)),
    await checkRequirement("state directory", () => checkStateDirectory(daemon)),
  ];
  const report = { requirements, tracing: await readTracing(log) };
  console.log(json ? reportToJson(report) : formatReport(report));
  process.exitCode = requirements.every(({ isMet }) => isMet) ? 0 : 1;
}

async function readTracing(log: Logger): Promise<DoctorReport["tracing"]> {
  const provider = await getOSProvider({ log });
  try {
    const context = { signal: new AbortController().signal, log };
    const request = create(GetTracingCapabilitiesRequestSchema);
    return create(
      GetTracingCapabilitiesResponseSchema,
      await provider.telemetry.getTracingCapabilities(request, context),
    );
  } finally {
    await provider.close();
  }
}
