// Whether the answers of a run are all there and are what the hosts gave: counted from the accounting, compared by digest.
import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { HostState } from "../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { TelemetryService } from "../../services/gen/systemsmanager/telemetry/v1/telemetry_service_pb.js";
import { createSimulatedAnswers } from "../../services/providers/simulated/simulated-answers.js";
import type { Asked, Asker } from "./ask-fleet.js";
import { emulatedAnswers } from "./fleet-processes.js";

const answerSchema = TelemetryService.method.getSystemSnapshot.output;
const pageSize = 1000;

/** Hosts of all runs that have no OK answer. Throws when a run asked another number of hosts. */
export function countMissing(runs: readonly Asked[], hosts: number): number {
  const wrong = runs.find(({ targeted }) => targeted !== hosts);
  if (wrong) throw new Error(`run ${wrong.runId} asked ${wrong.targeted} hosts instead of ${hosts}`);
  return runs.reduce((sum, { targeted, ok }) => sum + targeted - ok, 0);
}

/** Opens a finished run and throws unless every host's answer is there and is the very one that this host gives. */
export async function checkContent(asker: Asker, runId: string): Promise<void> {
  const expected = await expectedDigests(asker);
  for (let pageToken = ""; ; ) {
    const target = { case: "runId" as const, value: runId };
    const page = await asker.grpc.openResult({ target, state: HostState.OK, pageSize, pageToken });
    for (const { hosts, digest } of page.items) {
      for (const host of hosts) {
        if (expected.get(host) !== digest) throw new Error(`run ${runId} has not the answer that ${host} gives`);
        expected.delete(host);
      }
    }
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  if (expected.size > 0)
    throw new Error(`run ${runId} has no answer of ${expected.size} hosts: ${[...expected.keys()][0]}`);
}

/** By the hosts' names. */
async function expectedDigests({ grpc }: Asker): Promise<Map<string, string>> {
  const answers = createSimulatedAnswers(emulatedAnswers);
  const expected = new Map<string, string>();
  for (let pageToken = ""; ; ) {
    const page = await grpc.findHosts({ selector: "all", pageSize, pageToken });
    for (const { facts } of page.hosts) {
      const { hostId = "", name = "" } = facts ?? {};
      const body = toBinary(answerSchema, answers.snapshot(answers.variantOf(hostId)));
      expected.set(name, createHash("sha256").update(body).digest("hex"));
    }
    pageToken = page.nextPageToken;
    if (pageToken === "") return expected;
  }
}
