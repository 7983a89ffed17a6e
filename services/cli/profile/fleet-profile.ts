// A CPU profile as the fleet gives it: stacks of all its hosts, merged, and what became of the samples.
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { TraceReading } from "../../gen/systemsmanager/trace/v1/reading_pb.js";

export interface StackFrame {
  /** Untrusted text. */
  readonly name: string;
  readonly kind: "process" | "native" | "compiled" | "kernel" | "unknown";
}

export interface FleetProfile {
  readonly stacks: readonly { readonly frames: readonly StackFrame[]; readonly samples: number }[];
  /** Of each CPU. */
  readonly samplesPerSecond: number;
  readonly durationMs: number;
  /** Of stacks that are not shown. */
  readonly otherSamples: number;
  /** What keeps stacks from being whole. */
  readonly notes: readonly string[];
}

/** From the last reading of a session. */
export function readProfile(
  { stacks, elapsed, otherCount, notes }: TraceReading,
  samplesPerSecond: number,
): FleetProfile {
  return {
    stacks: stacks.map(({ folded, samples }) => ({ frames: framesOf(folded), samples: Number(samples) })),
    samplesPerSecond,
    durationMs: elapsed ? durationMs(elapsed) : 0,
    otherSamples: Number(otherCount),
    notes,
  };
}

/** Samples whose stack is shown. */
export function countSamples({ stacks }: FleetProfile): number {
  return stacks.reduce((sum, { samples }) => sum + samples, 0);
}

function framesOf(folded: string): StackFrame[] {
  const [process = "", ...names] = folded.split(";");
  return [{ name: process, kind: "process" }, ...names.map(frameOf)];
}

function frameOf(marked: string): StackFrame {
  if (marked.endsWith("_[k]")) return { name: marked.slice(0, -4), kind: "kernel" };
  if (marked.endsWith("_[j]")) return { name: marked.slice(0, -4), kind: "compiled" };
  return { name: marked, kind: marked.startsWith("[") ? "unknown" : "native" };
}
