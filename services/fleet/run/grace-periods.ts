// Hosts that are given a while to come back, the same for all; one timer for all of them.

export class GracePeriods {
  readonly #lengthMs: number;
  readonly #over: (indexes: readonly number[]) => void;
  /** When each host's period is over, the earliest first. */
  readonly #ends = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `over` gets the hosts whose period has passed. */
  constructor(lengthMs: number, over: (indexes: readonly number[]) => void) {
    this.#lengthMs = lengthMs;
    this.#over = over;
  }

  /** A period that has begun goes on. */
  begin(index: number): void {
    if (this.#ends.has(index)) return;
    this.#ends.set(index, performance.now() + this.#lengthMs);
    this.#timer ??= setTimeout(() => this.#pass(), this.#lengthMs);
  }

  end(index: number): void {
    this.#ends.delete(index);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#ends.clear();
  }

  #pass(): void {
    this.#timer = undefined;
    const now = performance.now();
    const passed: number[] = [];
    for (const [index, end] of this.#ends) {
      if (end > now) {
        this.#timer = setTimeout(() => this.#pass(), Math.ceil(end - now));
        break;
      }
      this.#ends.delete(index);
      passed.push(index);
    }
    if (passed.length > 0) this.#over(passed);
  }
}
