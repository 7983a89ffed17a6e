// The events themselves: all are counted, and the newest are shown. Only these are decoded.
import type { EventsQuestion, TraceFilter } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { TraceDetail } from "../../../gen/systemsmanager/trace/v1/reading_pb.js";
import type { Findings, Investigation } from "../../trace/investigation.js";
import { type EventKind, eventKinds } from "../capture/event-layout.js";
import type { CaptureAddon } from "../capture/native-capture.js";
import { type Accounts, type Capture, noEvents, openCapture } from "../capture/open-capture.js";
import { toCaptureFilter } from "./capture-filter.js";
import { Containers } from "./containers.js";
import { describeUntagged } from "./describe-untagged.js";
import { describeEvent } from "./event-line.js";
import { toEventMessage } from "./event-message.js";
import { describeRefusedCapture, requireCapture } from "./refused-capture.js";
import { Tail } from "./tail.js";

const defaultKeep = 100;
/** Of each CPU, when the session costs too much. */
const sampledPerSecond = 100;

const nameOfKind = new Map(Object.entries(eventKinds).map(([name, kind]) => [kind as number, name as EventKind]));

export async function investigateEvents(
  addon: Partial<CaptureAddon>,
  { kinds, keep }: EventsQuestion,
  filter: TraceFilter | undefined,
): Promise<Investigation> {
  const names = kinds.flatMap((kind) => nameOfKind.get(kind) ?? []);
  const options = { kinds: names, filter: await toCaptureFilter(filter) };
  const capture = await openCapture(requireCapture(addon), options).catch((error: unknown) => {
    throw describeRefusedCapture(error, names);
  });
  const tail = new Tail(keep || defaultKeep);
  const containers = new Containers();
  const taking = takeAll(capture, tail);
  // Told to whoever closes it.
  taking.catch(() => undefined);
  const describe = (accounts: Accounts, untagged: number): Findings => ({
    accounts: names.map((name) => describeAccount(name, accounts, tail)),
    events: tail.events().map((event) => ({ line: describeEvent(event), event: toEventMessage(event, containers) })),
    notes: describeUntagged(untagged),
  });
  let detail = TraceDetail.FULL;
  return {
    backend: "bpf",
    notes: ["events of the daemon itself are not told"],
    read: async () => describe(capture.accounts(), capture.untaggedProcesses()),
    degrade() {
      capture.setEventsPerSecond(detail === TraceDetail.FULL ? sampledPerSecond : noEvents);
      detail = detail === TraceDetail.FULL ? TraceDetail.SAMPLED : TraceDetail.COUNTS_ONLY;
      return detail;
    },
    async close() {
      const untagged = capture.untaggedProcesses();
      const accounts = await capture.close();
      await taking;
      return describe(accounts, untagged);
    },
  };
}

async function takeAll(capture: Capture, tail: Tail): Promise<void> {
  for await (const batch of capture.batches) tail.take(batch);
}

function describeAccount(name: EventKind, accounts: Accounts, tail: Tail) {
  const { attempted, filtered, rateLimited, ringFull, noScratch, unreadable, submitted } = accounts[name];
  const delivered = tail.deliveredOf(eventKinds[name]);
  const counts = { attempted, filtered, rateLimited, ringFull, noScratch, unreadable, delivered };
  const undelivered = submitted - delivered;
  return {
    name,
    ...(Object.fromEntries(
      Object.entries({ ...counts, undelivered }).map(([field, count]) => [field, BigInt(count)]),
    ) as {
      [Field in keyof typeof counts | "undelivered"]: bigint;
    }),
  };
}
