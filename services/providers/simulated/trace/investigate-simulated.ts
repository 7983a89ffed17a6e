// What a made-up host would find: counts that grow with time, at rates which the seed, the host and the key give.
import type { CountQuestion, TraceQuestion } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { TraceKey, TraceSource } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { TraceDetail } from "../../../gen/systemsmanager/trace/v1/reading_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import type { Findings, Investigation } from "../../trace/investigation.js";
import { createRandom } from "../seeded-random.js";

const defaultLimit = 100;
const mostPerSecond = 1_000;
// A key is on about every second host.
const shareOfKeys = 0.5;

const programs = ["nginx", "postgres", "java", "node", "python3", "sshd", "containerd-shim", "redis-server", "cron"];
const keys: ReadonlyMap<TraceKey, readonly string[]> = new Map([
  [TraceKey.UNSPECIFIED, ["all"]],
  [TraceKey.COMM, programs],
  [TraceKey.SYSCALL, ["read", "write", "openat", "close", "futex", "epoll_wait", "recvmsg", "sendmsg", "mmap"]],
  [TraceKey.PATH, programs.flatMap((program) => [`/var/log/${program}.log`, `/etc/${program}.conf`])],
  [TraceKey.REMOTE, Array.from({ length: 30 }, (_, index) => `192.0.2.${index + 1}:443`)],
  [TraceKey.CGROUP, programs.map((program) => `/system.slice/${program}.service`)],
  [TraceKey.USER, ["0", "33", "999", "1000"]],
  [TraceKey.DEVICE, ["vda", "vdb"]],
]);

/** Begins to count what this host would; time runs from now. Rejects with UNSUPPORTED for what only a real host can answer. */
export async function investigateSimulated(
  seed: string,
  hostId: string,
  { question }: TraceQuestion,
): Promise<Investigation> {
  if (question.case !== "count") throw onlyCounts(question.case);
  const { value } = question;
  const since = performance.now();
  const describe = () => describeCounts(ratesOf(seed, hostId, value), value, (performance.now() - since) / 1_000);
  return {
    backend: "simulated",
    notes: ["an emulated host made these figures up"],
    read: async () => describe(),
    // It costs nothing.
    degrade: () => TraceDetail.FULL,
    close: async () => describe(),
  };
}

function ratesOf(seed: string, hostId: string, { source, by }: CountQuestion): [string, number][] {
  const texts = keys.get(by);
  if (!texts) throw unsupportedKey(by);
  return texts.flatMap((text): [string, number][] => {
    const random = createRandom(`${seed}/trace/${hostId}/${source}/${text}`);
    return random() < shareOfKeys ? [[text, random() * mostPerSecond]] : [];
  });
}

function describeCounts(rates: [string, number][], { source, limit }: CountQuestion, seconds: number): Findings {
  const rows = rates
    .map(([key, perSecond]) => ({ key, count: BigInt(Math.floor(perSecond * seconds)) }))
    .filter(({ count }) => count > 0n)
    .sort((one, other) => Number(other.count - one.count));
  const sum = (some: typeof rows) => some.reduce((total, { count }) => total + count, 0n);
  const most = limit || defaultLimit;
  const total = sum(rows);
  return {
    accounts: [{ name: nameOf(source), attempted: total, delivered: total }],
    rows: rows.slice(0, most),
    otherCount: sum(rows.slice(most)),
  };
}

// As real hosts name it: FILE_OPEN is fileOpen.
function nameOf(source: TraceSource): string {
  return TraceSource[source].toLowerCase().replace(/_(.)/g, (_, first: string) => first.toUpperCase());
}

function onlyCounts(asked: string | undefined) {
  return failure(ErrorReason.UNSUPPORTED, `simulated hosts cannot answer a trace question of the kind "${asked}"`, {
    metadata: { operation: "StartTraceSession", needs: "a real host" },
    remedy: "ask real hosts, or ask simulated ones for counts",
  });
}

function unsupportedKey(by: TraceKey) {
  return failure(ErrorReason.UNSUPPORTED, `simulated hosts cannot count by ${TraceKey[by]}`, {
    metadata: { operation: "StartTraceSession", needs: "a real host" },
    remedy: `ask real hosts, or count by ${[...keys.keys()].map((key) => TraceKey[key]).join(", ")}`,
  });
}
