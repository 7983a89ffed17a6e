// The two ends of a run, as promises: its caller can be answered, and every host has a final state.

/** Concluded comes first, or with finished. A failure that comes before an end rejects it. */
export class Settlement {
  readonly concluded: Promise<void>;
  readonly finished: Promise<void>;
  #resolveConcluded: () => void = () => {};
  #resolveFinished: () => void = () => {};
  #reject: (cause: unknown) => void = () => {};

  constructor() {
    const failed = new Promise<never>((_resolve, reject) => {
      this.#reject = reject;
    });
    const end = (resolve: (end: () => void) => void) =>
      Promise.race([failed, new Promise<void>((resolved) => resolve(resolved))]);
    this.concluded = end((resolved) => {
      this.#resolveConcluded = resolved;
    });
    this.finished = end((resolved) => {
      this.#resolveFinished = resolved;
    });
    // Nobody has to await either of them; who does is told.
    for (const promise of [failed, this.concluded, this.finished]) promise.catch(ignoreUnawaited);
  }

  conclude(): void {
    this.#resolveConcluded();
  }

  finish(): void {
    this.#resolveConcluded();
    this.#resolveFinished();
  }

  fail(cause: unknown): void {
    this.#reject(cause);
  }
}

function ignoreUnawaited(): void {}
