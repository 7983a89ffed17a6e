// The commands of a run, and which of them each target was sent.
import type { CommandRecord } from "./run-record.js";
import { indexesOf } from "./spans.js";

const none = -1;

export class SentCommands {
  readonly #commands: CommandRecord[] = [];
  readonly #commandOf: Int32Array;
  #unsent: number;

  constructor(targeted: number, commands: readonly CommandRecord[]) {
    this.#commandOf = new Int32Array(targeted).fill(none);
    this.#unsent = targeted;
    this.add(commands);
  }

  get all(): readonly CommandRecord[] {
    return this.#commands;
  }

  /** Targets whose turn has not come. */
  get unsent(): number {
    return this.#unsent;
  }

  /** The command of a target; undefined while its turn has not come. */
  of(index: number): CommandRecord | undefined {
    return this.#commands[this.#commandOf[index] ?? none];
  }

  /** Their targets have no command yet. */
  add(commands: readonly CommandRecord[]): void {
    for (const command of commands) {
      const number = this.#commands.push(command) - 1;
      for (const index of indexesOf(command.spans)) this.#commandOf[index] = number;
      this.#unsent -= indexesOf(command.spans).length;
    }
  }
}
