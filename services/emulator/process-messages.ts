// What the emulator's processes tell each other.
import type { AnswerOptions } from "../providers/simulated/simulated-answers.js";
import type { EmulateOptions, KillOrder } from "./emulate-hosts.js";
import type { EmulatorCounters } from "./emulator-counters.js";
import type { FaultSet } from "./faults/fault-set.js";

/** EmulateOptions as they travel to a child. */
export interface ChildOptions extends Omit<EmulateOptions, "verifyingKey" | "tls" | "log" | "answers"> {
  /** PEM. */
  readonly verifyingKey: string;
  /** PEM certificates to trust. */
  readonly relayCa?: string;
  readonly answers: AnswerOptions;
}

/** What a running emulator is told. */
export type EmulatorOrder =
  | { readonly type: "faults"; readonly faults: FaultSet }
  | { readonly type: "kill"; readonly order: KillOrder };

/** To a child; the first one starts it. */
export type ParentMessage =
  | EmulatorOrder
  | { readonly type: "start"; readonly options: ChildOptions }
  | { readonly type: "stop" };

/** From a child, counters every second. */
export type ChildMessage =
  | { readonly type: "counters"; readonly counters: EmulatorCounters }
  | { readonly type: "failed"; readonly message: string };
