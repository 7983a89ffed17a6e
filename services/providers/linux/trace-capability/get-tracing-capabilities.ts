// What this host can trace: tried by loading the programs, not guessed from versions.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  CapabilityState,
  type GetTracingCapabilitiesResponseSchema,
  type TracingCapabilitySchema,
} from "../../../gen/systemsmanager/telemetry/v1/tracing_capability_pb.js";
import type { EventKind as KindNumber } from "../../../gen/systemsmanager/trace/v1/event_pb.js";
import { TraceQuestionSchema } from "../../../gen/systemsmanager/trace/v1/question_pb.js";
import { explainError } from "../../../shared/errors.js";
import type { OpenInvestigation } from "../../trace/investigation.js";
import { type EventKind, eventKinds } from "../capture/event-layout.js";
import { straceNotes } from "../strace/open-strace-capture.js";
import { isStraceKind } from "../strace/strace-kinds.js";
import { tryStrace } from "../strace/try-strace.js";
import { type Hook, hooks, profileHook } from "./hooks.js";
import { readKernel } from "./read-kernel.js";

type Report = MessageInitShape<typeof GetTracingCapabilitiesResponseSchema>;
type Capability = MessageInitShape<typeof TracingCapabilitySchema>;
type Question = NonNullable<MessageInitShape<typeof TraceQuestionSchema>["question"]>;

/** A trial loads programs into the kernel: not for everybody who asks twice. */
const keepMs = 60_000;

/** `open` asks the kernel alone; `fallBack` throws when strace cannot trace here. */
export function createGetTracingCapabilities(
  open: OpenInvestigation,
  fallBack: () => Promise<void> = tryStrace,
): () => Promise<Report> {
  let known: { readonly report: Promise<Report>; readonly at: number } | undefined;
  return () => {
    if (!known || performance.now() - known.at > keepMs)
      known = { report: readReport(open, fallBack), at: performance.now() };
    return known.report;
  };
}

async function readReport(open: OpenInvestigation, fallBack: () => Promise<void>): Promise<Report> {
  const kernel = readKernel();
  const events = await withFallback(await tryEvents(open), fallBack);
  const profile = describe("profile", profileHook, await refusalOf(open, { case: "profile", value: {} }));
  return { ...kernel, capabilities: [...events, profile] };
}

// All kinds at once, as most hosts let it; one after the other where they do not.
async function tryEvents(open: OpenInvestigation): Promise<Capability[]> {
  const kinds = Object.keys(eventKinds) as EventKind[];
  const tryKinds = (some: readonly EventKind[]) =>
    refusalOf(open, { case: "events", value: { kinds: some.map((kind) => eventKinds[kind] as KindNumber) } });
  if ((await tryKinds(kinds)) === undefined) return kinds.map((kind) => describe(kind, hooks[kind], undefined));
  const capabilities: Capability[] = [];
  for (const kind of kinds) capabilities.push(describe(kind, hooks[kind], await tryKinds([kind])));
  return capabilities;
}

// strace is tried only where the kernel refused something that it could tell.
async function withFallback(events: Capability[], fallBack: () => Promise<void>): Promise<Capability[]> {
  const isRefused = ({ name, state }: Capability) =>
    state === CapabilityState.UNAVAILABLE && isStraceKind(name as EventKind);
  if (!events.some(isRefused)) return events;
  const refusal = await fallBack().then(
    () => undefined,
    (error: unknown) => error,
  );
  return events.map((event) => (isRefused(event) ? describeFallback(event as RefusedCapability, refusal) : event));
}

function describeFallback(event: RefusedCapability, refusal: unknown): Capability {
  if (refusal === undefined) {
    const weakness = `only of given processes and what they start; ${straceNotes.join("; ")}`;
    return { ...event, state: CapabilityState.FALLBACK, hook: "strace", weakness };
  }
  const { what, remedy } = explainError(refusal);
  const refused = [...event.refused, { hook: "strace", reason: what }];
  return { ...event, refused, remedy: [event.remedy, remedy].filter(Boolean).join("; or ") };
}

/** What was said when the question could not be asked; undefined when it could. */
async function refusalOf(open: OpenInvestigation, question: Question): Promise<unknown> {
  try {
    const investigation = await open(create(TraceQuestionSchema, { question }));
    await investigation.close();
    return undefined;
  } catch (error) {
    return error;
  }
}

interface RefusedCapability {
  readonly name: string;
  readonly state: CapabilityState;
  readonly refused: { readonly hook: string; readonly reason: string }[];
  readonly remedy: string;
}

function describe(name: string, { hook, weakness }: Hook, refusal: unknown): Capability {
  if (refusal === undefined) {
    return { name, hook, weakness, state: weakness === "" ? CapabilityState.FULL : CapabilityState.WEAKER };
  }
  const { what, remedy } = explainError(refusal);
  // What the kernel said, where it is known, is the same for most kinds.
  const { cause } = refusal as Error;
  const reason = cause instanceof Error ? cause.message : what;
  return { name, state: CapabilityState.UNAVAILABLE, refused: [{ hook, reason }], remedy };
}
