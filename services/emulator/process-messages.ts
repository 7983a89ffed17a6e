// What the emulator's processes tell each other.
import type { AnswerOptions } from "../providers/simulated/simulated-answers.js";
import type { EmulateOptions } from "./emulate-hosts.js";
import type { EmulatorCounters } from "./emulator-counters.js";

/** EmulateOptions as they travel to a child. */
export interface ChildOptions extends Omit<EmulateOptions, "verifyingKey" | "tls" | "log" | "answers"> {
  /** PEM. */
  readonly verifyingKey: string;
  /** PEM certificates to trust. */
  readonly relayCa?: string;
  readonly answers: AnswerOptions;
}

/** To a child; the first one starts it. */
export type ParentMessage = { readonly type: "start"; readonly options: ChildOptions } | { readonly type: "stop" };

/** From a child, counters every second. */
export type ChildMessage =
  | { readonly type: "counters"; readonly counters: EmulatorCounters }
  | { readonly type: "failed"; readonly message: string };
