// Processes of one made-up host; the same list for every host of its variant.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type ListProcessesRequest,
  ProcessOrder,
  ProcessState,
} from "../../../gen/systemsmanager/telemetry/v1/process_pb.js";
import { compilePattern } from "../../../shared/pattern.js";
import { createRandom, pick } from "../seeded-random.js";

const count = 200;
const defaultLimit = 50;
const startedAtMs = Date.UTC(2026, 0, 1);
const programs = ["nginx", "postgres", "java", "node", "python3", "sshd", "containerd-shim", "redis-server", "cron"];
const users = ["root", "www-data", "postgres", "app"];

type Row = ReturnType<typeof createRow>;

const keys: ReadonlyMap<ProcessOrder, (row: Row) => number> = new Map([
  [ProcessOrder.UNSPECIFIED, ({ cpuUsage }) => cpuUsage],
  [ProcessOrder.CPU, ({ cpuUsage }) => cpuUsage],
  [ProcessOrder.MEMORY, ({ rssBytes }) => Number(rssBytes)],
  [ProcessOrder.START_TIME, ({ startTime }) => Number(startTime.seconds)],
]);

/** Answers ListProcesses for a host of this variant. */
export function listSimulatedProcesses(seed: string, variant: number, request: ListProcessesRequest) {
  const random = createRandom(`${seed}/processes/${variant}`);
  const key = keys.get(request.order) as (row: Row) => number;
  const matches = compilePattern(request.pattern);
  const matching = Array.from({ length: count }, (_, index) => createRow(index, random))
    .filter(({ name, argv, user }) => (matches(name) || matches(argv.join(" "))) && isUser(request.user, user))
    .sort((a, b) => key(b) - key(a));
  const processes = matching.slice(0, request.limit || defaultLimit);
  return { processes, matchedCount: matching.length, omittedCount: matching.length - processes.length };
}

function isUser(wanted: string, user: string): boolean {
  return wanted === "" || wanted === user;
}

function createRow(index: number, random: () => number) {
  const program = pick(programs, random);
  return {
    pid: 100 + index * 7,
    parentPid: 1,
    name: program.slice(0, 15),
    argv: [`/usr/bin/${program}`, "--simulated", `--worker=${index}`],
    user: pick(users, random),
    state: random() < 0.05 ? ProcessState.RUNNING : ProcessState.SLEEPING,
    cpuSeconds: Math.floor(random() * 10_000),
    cpuUsage: Math.floor(random() * 1_000) / 1_000,
    rssBytes: BigInt(Math.floor(random() * 2 ** 30)),
    startTime: timestampFromMs(startedAtMs + Math.floor(random() * 86_400) * 1_000),
    threadCount: 1 + Math.floor(random() * 32),
  };
}
