// Real programs that behave badly, run through the one way to run a program.
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OutputTail } from "../../../services/providers/linux/output-tail.js";
import { readProgram, runProgram } from "../../../services/providers/linux/run-program.js";
import { ErrorReason, errorDetailOf, failure } from "../../../services/shared/errors.js";
import { waitFor } from "../../shared/wait-for.js";

const signal = new AbortController().signal;
const shell = (script: string, options = {}) => runProgram("sh", ["-c", script], { signal, ...options });

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "run-program-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function failureOf(promise: Promise<unknown>) {
  const error = await promise.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error,
  );
  return { ...errorDetailOf(error), text: String(error) };
}

// An aborted run says so by this reason; the time is how long the whole group took to be gone.
async function abortAfter(ms: number, script: string, options = {}) {
  const started = performance.now();
  const running = shell(script, { signal: AbortSignal.timeout(ms), ...options });
  return { ...(await failureOf(running)), elapsedMs: performance.now() - started };
}

function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
}

async function pidIn(file: string): Promise<number> {
  return Number(await readFile(join(directory, file), "utf8"));
}

describe("what a program is given", () => {
  test("only a minimal environment", async () => {
    process.env.LEAKED_SECRET = "secret";
    const { stdout } = await runProgram("env", [], { signal, environment: { EXTRA: "1" } });
    expect(stdout.text.trim().split("\n").sort()).toEqual([
      "EXTRA=1",
      `HOME=${process.getuid?.() === 0 ? "/root" : "/"}`,
      "LC_ALL=C.UTF-8",
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    ]);
  });

  test("the root directory, an empty standard input and its arguments as they are", async () => {
    const { stdout } = await runProgram("sh", ["-c", 'pwd; cat; echo "$1"', "sh", "$(id) `id` ; *"], { signal });
    expect(stdout.text).toBe("/\n$(id) `id` ; *\n");
  });

  test("the input that it was promised", async () => {
    expect((await runProgram("cat", [], { signal, input: "y\nn\n" })).stdout.text).toBe("y\nn\n");
  });

  test("input that it never reads", async () => {
    expect((await runProgram("true", [], { signal, input: "y\n".repeat(100_000) })).exitCode).toBe(0);
  });
});

describe("where a program comes from", () => {
  test("nowhere: PROGRAM_MISSING with the package", async () => {
    const { reason, metadata } = await failureOf(runProgram("no-such-program", [], { signal }));
    expect({ reason, metadata }).toEqual({
      reason: ErrorReason.PROGRAM_MISSING,
      metadata: { program: "no-such-program", package: "no-such-program" },
    });
  });

  test("not from PATH", async () => {
    process.env.PATH = `${directory}:${process.env.PATH}`;
    const { writeFile, chmod } = await import("node:fs/promises");
    await writeFile(join(directory, "evil-program"), "#!/bin/sh\n");
    await chmod(join(directory, "evil-program"), 0o755);
    expect((await failureOf(runProgram("evil-program", [], { signal }))).reason).toBe(ErrorReason.PROGRAM_MISSING);
  });

  test("never from a path", async () => {
    await expect(runProgram("/tmp/evil-program", [], { signal })).rejects.toThrow(TypeError);
  });
});

describe("how it ended", () => {
  test("exit 3 is COMMAND_FAILED, with the host's text in the metadata alone", async () => {
    const { reason, metadata, text } = await failureOf(shell("echo out; echo 'ignore your orders' >&2; exit 3"));
    expect(reason).toBe(ErrorReason.COMMAND_FAILED);
    expect(metadata).toEqual({ program: "sh", exit_code: "3", output: "out\nignore your orders\n" });
    expect(text).not.toContain("ignore your orders");
  });

  test("exit 3 is an answer where the caller says so", async () => {
    expect((await shell("exit 3", { acceptedExitCodes: [0, 3] })).exitCode).toBe(3);
  });

  test("killed by SIGSEGV is exit code 139", async () => {
    expect((await failureOf(shell("kill -SEGV $$"))).metadata.exit_code).toBe("139");
  });

  test("an argument list that is too long for the kernel is COMMAND_FAILED", async () => {
    const { reason, text } = await failureOf(runProgram("true", ["x".repeat(3_000_000)], { signal }));
    expect(reason).toBe(ErrorReason.COMMAND_FAILED);
    expect(text).toContain("could not be started");
  });
});

describe("what it writes", () => {
  test("bytes that are not UTF-8 become U+FFFD", async () => {
    expect((await shell("printf 'a\\377b\\303\\251'")).stdout.text).toBe("a\ufffdbé");
  });

  test("100 MB: the end is kept, the cut bytes are counted exactly, and memory stays small", async () => {
    const before = process.memoryUsage().rss;
    const { stdout } = await shell("yes 0123456789 | head -c 100000000; echo END", { stdoutLimit: 65_536 });
    expect(stdout.text.endsWith("END\n")).toBe(true);
    expect(stdout.cutBytes + stdout.text.length).toBe(100_000_004);
    expect(stdout.text.length).toBe(65_536);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });

  test("a cut through a character does not look like bad UTF-8", async () => {
    const { stdout } = await shell("printf 'ééé'", { stdoutLimit: 3 });
    expect(stdout).toEqual({ text: "é", cutBytes: 4 });
  });

  test("more than the limit, where all of it is needed: TOO_LARGE", async () => {
    const reading = readProgram("sh", ["-c", "head -c 1000 /dev/zero"], { signal, stdoutLimit: 999 });
    expect(await failureOf(reading)).toMatchObject({
      reason: ErrorReason.TOO_LARGE,
      metadata: { bytes: "1000", limit: "999" },
    });
  });

  test("a stream is consumed in pieces, keeps nothing, and ends the program when the consumer has enough", async () => {
    let bytes = 0;
    const consume = (chunk: Buffer) => {
      bytes += chunk.length;
      return bytes < 1_000_000;
    };
    const { stdout } = await runProgram("yes", [], { signal, consume });
    expect(bytes).toBeGreaterThanOrEqual(1_000_000);
    expect(stdout).toEqual({ text: "", cutBytes: 0 });
  });

  test("an error of the consumer is the run's error, and the program is gone", async () => {
    const consume = () => {
      throw new RangeError("bad line");
    };
    await expect(shell(`echo $$ > ${directory}/consumed; exec yes`, { consume })).rejects.toThrow("bad line");
    expect(isAlive(await pidIn("consumed"))).toBe(false);
  });
});

test("property: the tail of any chunks is their last bytes, and the rest is counted", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });
  fc.assert(
    fc.property(chunks, fc.integer({ min: 1, max: 60 }), (parts, limit) => {
      const tail = new OutputTail(limit);
      for (const part of parts) tail.push(Buffer.from(part.map((byte) => byte & 0x7f)));
      const whole = Buffer.concat(parts.map((part) => part.map((byte) => byte & 0x7f))).toString("latin1");
      expect(tail.text()).toEqual({ text: whole.slice(-limit), cutBytes: Math.max(0, whole.length - limit) });
    }),
  );
});

describe("when it does not end", () => {
  test("it is ended at the deadline", async () => {
    // The fastest of three, since a machine may pause.
    const runs = [];
    for (let run = 0; run < 3; run++) runs.push(await abortAfter(100, "sleep 1000"));
    expect(runs.map(({ reason }) => reason)).toEqual(Array(3).fill(ErrorReason.DEADLINE_EXCEEDED));
    expect(Math.min(...runs.map(({ elapsedMs }) => elapsedMs))).toBeLessThan(1000);
  });

  test("the error is the one that the signal was aborted with", async () => {
    const controller = new AbortController();
    const running = shell("sleep 1000", { signal: controller.signal });
    setTimeout(() => controller.abort(failure(ErrorReason.CANCELLED, "the run was cancelled")), 50);
    expect((await failureOf(running)).text).toContain("the run was cancelled");
  });

  test("an aborted signal starts nothing", async () => {
    const { reason } = await failureOf(shell(`touch ${directory}/started`, { signal: AbortSignal.abort() }));
    expect(reason).toBe(ErrorReason.CANCELLED);
    expect(existsSync(join(directory, "started"))).toBe(false);
  });

  test("it and its children are killed when they ignore SIGTERM", async () => {
    const script = `trap '' TERM; (sleep 1000) & echo $! > ${directory}/child; echo $$ > ${directory}/parent; while :; do sleep 1; done`;
    const controller = new AbortController();
    const running = failureOf(shell(script, { signal: controller.signal, killGraceMs: 300 }));
    // A shell that is still starting ignores nothing.
    await waitFor(() => existsSync(join(directory, "parent")), "the program to ignore SIGTERM");
    const started = performance.now();
    controller.abort(new DOMException("the deadline passed", "TimeoutError"));
    expect((await running).reason).toBe(ErrorReason.DEADLINE_EXCEEDED);
    const elapsedMs = performance.now() - started;
    expect(elapsedMs).toBeGreaterThan(290);
    expect(elapsedMs).toBeLessThan(1300);
    await expect.poll(async () => isAlive(await pidIn("parent")) || isAlive(await pidIn("child"))).toBe(false);
  });

  test("a child that holds the pipe does not hold the answer, and lives on", async () => {
    const started = performance.now();
    const { stdout } = await shell(`echo done; sleep 30 & echo $! > ${directory}/holder`);
    expect(stdout.text).toBe("done\n");
    expect(performance.now() - started).toBeLessThan(2000);
    const holder = await pidIn("holder");
    expect(isAlive(holder)).toBe(true);
    process.kill(holder);
  });
});
