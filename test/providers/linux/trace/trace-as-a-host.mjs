// Run in a pid namespace of its own, as a container that is a host is: opens a trace and says so, runs programs when it is
// told to go on, and prints what it found and the numbers that its programs had here.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { create, toJson } from "@bufbuild/protobuf";

const [question, root] = process.argv.slice(2);
const load = (path) => import(`../../../../dist/services/${path}`);
const { openInvestigationsOf } = await load("providers/linux/trace/open-investigation.js");
const { TraceQuestionSchema } = await load("gen/systemsmanager/trace/v1/question_pb.js");
const { TraceReadingSchema } = await load("gen/systemsmanager/trace/v1/reading_pb.js");
const { EventKind } = await load("gen/systemsmanager/trace/v1/event_pb.js");

const questions = {
  events: { case: "events", value: { kinds: [EventKind.EXEC, EventKind.FORK, EventKind.EXIT], keep: 2_000 } },
  profile: { case: "profile", value: { samplesPerSecond: 499 } },
};
const filter = root === "root" ? { roots: [process.pid] } : undefined;
const { open } = openInvestigationsOf();
const investigation = await open(create(TraceQuestionSchema, { question: questions[question], filter }));
process.stdout.write("open\n");
await once(process.stdin, "data");
const pids = [];
for (const [program, ...args] of [
  ["/bin/sh", "-c", "/bin/true; :"],
  ["/usr/bin/timeout", "0.5", "sha256sum", "/dev/zero"],
]) {
  const child = spawn(program, args, { stdio: "ignore" });
  pids.push(child.pid);
  await once(child, "exit");
}
const findings = toJson(TraceReadingSchema, create(TraceReadingSchema, await investigation.close()));
process.stdout.write(`${JSON.stringify({ own: process.pid, pids, findings })}\n`);
process.stdin.destroy();
