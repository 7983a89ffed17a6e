// Whether the answers of a run are all there and are what the hosts gave: counted from the accounting and from the opened result.
import { fromJsonString, toBinary } from "@bufbuild/protobuf";
import { HostState } from "../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { TelemetryService } from "../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import type { Asked, Asker } from "./ask-fleet.js";
import { answerBytes, distinctAnswers } from "./fleet-processes.js";

const answerSchema = TelemetryService.method.getSystemSnapshot.output;
// Cleaning and redaction may change a few characters of an answer that is shown.
const sizeTolerance = 0.1;

/** Hosts of all runs that have no OK answer. Throws when a run asked another number of hosts. */
export function countMissing(runs: readonly Asked[], hosts: number): number {
  const wrong = runs.find(({ targeted }) => targeted !== hosts);
  if (wrong) throw new Error(`run ${wrong.runId} asked ${wrong.targeted} hosts instead of ${hosts}`);
  return runs.reduce((sum, { targeted, ok }) => sum + targeted - ok, 0);
}

/** Opens a finished run and throws unless each host's answer is there once, of the right size, and as different as they should be. */
export async function checkContent({ grpc }: Asker, runId: string, hosts: number): Promise<void> {
  const byHost = new Set<string>();
  const digests = new Set<string>();
  for (let pageToken = ""; ; ) {
    const target = { case: "runId" as const, value: runId };
    const page = await grpc.openResult({ target, state: HostState.OK, pageSize: 1000, pageToken });
    for (const { hosts: names, digest, answerJson } of page.items) {
      for (const name of names) byHost.add(name);
      if (!digests.has(digest)) checkSize(answerJson);
      digests.add(digest);
    }
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  if (byHost.size !== hosts) throw new Error(`run ${runId} has answers of ${byHost.size} of ${hosts} hosts`);
  const distinct = Math.min(hosts, distinctAnswers);
  if (digests.size !== distinct) throw new Error(`run ${runId} has ${digests.size} different answers, not ${distinct}`);
}

function checkSize(answerJson: string): void {
  const size = toBinary(answerSchema, fromJsonString(answerSchema, answerJson)).length;
  if (Math.abs(size - answerBytes) > answerBytes * sizeTolerance)
    throw new Error(`an answer has ${size} bytes instead of ${answerBytes}: ${answerJson}`);
}
