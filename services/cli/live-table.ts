// Lines that are drawn again in the same place while they change. Where nobody looks, in a file or a pipe, only the last ones are
// written.
import type { WriteStream } from "node:tty";

export class LiveTable {
  readonly #output: WriteStream;
  #drawn = 0;

  constructor(output: WriteStream) {
    this.#output = output;
  }

  show(lines: readonly string[]): void {
    if (this.#output.isTTY) this.#draw(lines);
  }

  /** The last time. */
  end(lines: readonly string[]): void {
    this.#draw(lines);
  }

  // A line that is wider than the terminal would take more than one.
  #draw(lines: readonly string[]): void {
    const width = this.#output.isTTY ? this.#output.columns : Number.POSITIVE_INFINITY;
    if (this.#drawn > 0) this.#output.write(`\r\x1b[${this.#drawn}A\x1b[J`);
    for (const line of lines) this.#output.write(`${line.slice(0, width)}\n`);
    this.#drawn = lines.length;
  }
}
