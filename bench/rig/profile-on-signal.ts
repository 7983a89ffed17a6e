// Loaded into a measured process by `--profile`: SIGUSR2 begins a CPU profile, the next one ends it and writes it down.
import { mkdirSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { basename, join } from "node:path";

const directory = process.env.BENCH_PROFILE_DIRECTORY as string;
const sampleMicroseconds = 500;
let session: Session | undefined;

process.on("SIGUSR2", () => {
  const step = session === undefined ? begin() : end(session);
  step.catch((error: unknown) => console.error("no profile:", error));
});

async function begin(): Promise<void> {
  session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: sampleMicroseconds });
  await session.post("Profiler.start");
}

async function end(running: Session): Promise<void> {
  const { profile } = await running.post("Profiler.stop");
  running.disconnect();
  session = undefined;
  mkdirSync(directory, { recursive: true });
  const role = process.argv[2] ?? basename(process.argv[1] ?? "node");
  const path = join(directory, `${role}-${process.pid}.cpuprofile`);
  writeFileSync(path, JSON.stringify(profile));
  console.error(JSON.stringify({ msg: "profile written", path }));
}
