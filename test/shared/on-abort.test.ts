import { afterEach, describe, expect, it } from "vitest";
import { onAbort } from "../../services/shared/on-abort.js";

describe("onAbort", () => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => void warnings.push(warning);
  afterEach(() => {
    process.off("warning", warned);
  });

  it("calls every listener of a signal once, without a warning that they are many", async () => {
    process.on("warning", warned);
    const { signal, abort } = controller();
    const called: number[] = [];
    for (let number = 0; number < 50; number++) onAbort(signal, () => called.push(number));
    await new Promise(setImmediate);
    abort();
    abort();
    expect(called).toEqual(Array.from({ length: 50 }, (_, number) => number));
    expect(warnings).toEqual([]);
  });

  it("calls no listener that was ended", () => {
    const { signal, abort } = controller();
    const called: string[] = [];
    onAbort(signal, () => called.push("ended"))();
    onAbort(signal, () => called.push("kept"));
    abort();
    expect(called).toEqual(["kept"]);
  });

  it("calls a listener at once when the signal was aborted before", () => {
    const { signal, abort } = controller();
    abort();
    const called: string[] = [];
    onAbort(signal, () => called.push("late"))();
    expect(called).toEqual(["late"]);
  });
});

function controller() {
  const own = new AbortController();
  return { signal: own.signal, abort: () => own.abort() };
}
