// Telling work to stop, for the one path that every command of every host takes: what hardly anybody listens to costs a field or
// two here, where an AbortController with its signal costs as much as the rest of a command's way.

/** What is needed of a signal to wait no longer than it allows; every AbortSignal is one. */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  /** Called once, when it is aborted; never when it was before. */
  addEventListener(type: "abort", listener: () => void, options?: { readonly once: true }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Both the signal and the one who aborts it. */
export class StopController implements StopSignal {
  aborted = false;
  reason: unknown = undefined;
  private listeners: (() => void)[] | undefined = undefined;
  private abortSignal: AbortSignal | undefined = undefined;

  /** Only the first call counts. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const { listeners = [] } = this;
    this.listeners = undefined;
    for (const listener of listeners) listener();
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    if (this.aborted) return;
    this.listeners ??= [];
    this.listeners.push(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    const index = this.listeners?.indexOf(listener) ?? -1;
    if (index >= 0) this.listeners?.splice(index, 1);
  }

  /** The same as a signal of the platform, made when it is first asked for. */
  toAbortSignal(): AbortSignal {
    this.abortSignal ??= this.createAbortSignal();
    return this.abortSignal;
  }

  private createAbortSignal(): AbortSignal {
    const controller = new AbortController();
    const follow = () => controller.abort(this.reason);
    if (this.aborted) follow();
    else this.addEventListener("abort", follow);
    return controller.signal;
  }
}
