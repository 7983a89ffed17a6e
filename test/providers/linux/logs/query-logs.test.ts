// The journal of a real host: lines are planted by real loggers, and every filter is checked against what was planted.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, requireHosts } from "../../../hosts/hosts.js";
import { type ProviderHosts, startProviderHosts } from "../provider-hosts.js";

const skipped = await requireHosts();
let hosts: ProviderHosts;
let host: Host;

const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

interface Entry {
  readonly time: string;
  readonly unit: string;
  readonly identifier: string;
  readonly priority: string;
  readonly pid: number;
  readonly message: string;
  readonly cutBytes: number;
}

describe.skipIf(skipped)("the journal of a real host", () => {
  beforeAll(async () => {
    hosts = await startProviderHosts([{ name: "logs", distro: "debian" }]);
    host = hosts.fleet.host("logs");
    // Lines of an earlier boot, then those of this one.
    await log("of the boot before", "notice");
    await host.run(["journalctl", "--sync", "--rotate"]);
  });
  afterAll(() => hosts?.close());

  const query = (request: object) => hosts.response(host, "queryLogs", request);
  const messages = async (request: object): Promise<string[]> =>
    (await query(request)).entries.map(({ message }: Entry) => message);
  const sync = () => host.run(["journalctl", "--sync"]);

  async function log(text: string | Buffer, priority = "info", identifier = "planted"): Promise<void> {
    const command = [
      "systemd-cat",
      `--identifier=${identifier}`,
      `--priority=${priority}`,
      "--level-prefix=false",
      "cat",
    ];
    await host.run(command, { input: typeof text === "string" ? `${text}\n` : text });
  }

  // journald takes native entries, with newlines and any size, from this socket; logger writes them.
  async function logNative(fields: string): Promise<void> {
    await host.run(["logger", "--journald"], { input: `${fields}\n` });
  }

  test("text that is not UTF-8 comes with U+FFFD in its place", async () => {
    await log(Buffer.from("caf\xe9 \xff au lait\n", "latin1"), "warning", "latin");
    await sync();
    const { entries } = await query({ pattern: "au lait" });
    expect(entries).toMatchObject([
      { message: "caf\ufffd \ufffd au lait", identifier: "latin", priority: "LOG_PRIORITY_WARNING", cutBytes: 0 },
    ]);
    expect(entries[0].pid).toBeGreaterThan(0);
    expect(Math.abs(Date.parse(entries[0].time) - Date.now())).toBeLessThan(60_000);
  });

  test("a message with newlines is one line of the log", async () => {
    await logNative("SYSLOG_IDENTIFIER=native\nPRIORITY=2\nMESSAGE=verse one\nMESSAGE=verse two");
    await sync();
    const { entries, matchedCount } = await query({ pattern: "^verse one" });
    expect(matchedCount).toBe("1");
    expect(entries[0]).toMatchObject({ identifier: "native", priority: "LOG_PRIORITY_CRITICAL" });
    expect(entries[0].message).toBe("verse one\nverse two");
  });

  test("a message of 40 KB is cut at 8 KiB, between two characters, and its end is still searched", async () => {
    await log(`x${"é".repeat(20_000)}needle`, "err");
    await sync();
    const { entries, matchedCount } = await query({ pattern: "needle$" });
    expect(matchedCount).toBe("1");
    expect(entries[0].message).toBe(`x${"é".repeat(4095)}`);
    expect(entries[0].cutBytes).toBe(40_001 + 6 - 8191);
  });

  test("a unit's lines: its own and those of systemd about it; '.service' may be left out", async () => {
    await host
      .run(["systemd-run", "--wait", "--unit=talker", "sh", "-c", "echo from the talker; echo more; exit 3"])
      .catch(
        // It ends with the service's exit code, which is 3.
        () => undefined,
      );
    await sync();
    const { entries } = await query({ unit: "talker" });
    const said = entries.map(({ message }: Entry) => message);
    expect(said).toEqual(expect.arrayContaining(["from the talker", "more"]));
    expect(said.join("\n")).toMatch(/talker\.service: Failed with result 'exit-code'/);
    expect(new Set(entries.map(({ unit }: Entry) => unit))).toEqual(new Set(["talker.service"]));
    expect(await messages({ unit: "talker.service" })).toEqual(said);
    expect(await messages({ unit: "talker", pattern: "^more$" })).toEqual(["more"]);
  });

  test.each([
    { maxPriority: "LOG_PRIORITY_ERROR", expected: ["p2", "p3"] },
    { maxPriority: "LOG_PRIORITY_WARNING", expected: ["p2", "p3", "p4"] },
    { maxPriority: "LOG_PRIORITY_CRITICAL", expected: ["p2"] },
    { maxPriority: "LOG_PRIORITY_UNSPECIFIED", expected: ["p2", "p3", "p4", "p6"] },
  ])("priority $maxPriority and more severe: $expected", async ({ maxPriority, expected }) => {
    const tag = maxPriority.toLowerCase();
    for (const [text, priority] of Object.entries({ p2: "crit", p3: "err", p4: "warning", p6: "info" })) {
      await log(`${tag} ${text}`, priority);
    }
    await sync();
    expect(await messages({ maxPriority, pattern: `^${tag} ` })).toEqual(expected.map((text) => `${tag} ${text}`));
  });

  test("since and until are exact to the microsecond, and include both ends", async () => {
    for (const text of ["one", "two", "three"]) {
      await log(`exact ${text}`);
      await sleep(5);
    }
    await sync();
    const { entries } = await query({ pattern: "^exact " });
    expect(entries).toHaveLength(3);
    const [first, second, third] = entries.map(({ time }: Entry) => time);
    const between = (since: string, until: string) => messages({ pattern: "^exact ", since, until });
    expect(second).toMatch(/\.\d{6}Z$/);
    expect(await between(second, second)).toEqual(["exact two"]);
    expect(await between(first, second)).toEqual(["exact one", "exact two"]);
    expect(await between(second.replace("Z", "001Z"), third)).toEqual(["exact three"]);
    expect(await between(first, plusMicroseconds(second, -1n))).toEqual(["exact one"]);
    expect(await between(plusMicroseconds(first, 1n), plusMicroseconds(third, -1n))).toEqual(["exact two"]);
    expect(await messages({ pattern: "^exact ", until: first })).toEqual(["exact one"]);
  });

  test("the newest are kept, all are counted, and the cursor reads on to the very first", async () => {
    await log(Array.from({ length: 2500 }, (_, index) => `page ${index}`).join("\n"));
    await sync();
    const seen: string[] = [];
    let cursor = "";
    let rest = 2500;
    for (let page = 0; page < 3; page++) {
      const answer = await query({ pattern: "^page ", limit: 1000, cursor });
      expect(Number(answer.matchedCount)).toBe(rest);
      expect(answer).toMatchObject({ matched: true, countIsLowerBound: false });
      rest -= answer.entries.length;
      expect(Number(answer.omittedCount)).toBe(rest);
      seen.unshift(...answer.entries.map(({ message }: Entry) => message));
      cursor = answer.nextCursor;
    }
    expect(cursor).toBe("");
    expect(seen).toEqual(Array.from({ length: 2500 }, (_, index) => `page ${index}`));
  });

  test("a cursor goes together with since, until, boot, unit and priority", async () => {
    const { nextCursor, entries } = await query({ pattern: "^page ", limit: 1 });
    expect(entries[0].message).toBe("page 2499");
    const older = await query({
      pattern: "^page ",
      cursor: nextCursor,
      limit: 2,
      since: "2020-01-01T00:00:00Z",
      until: entries[0].time,
      boot: 0,
      maxPriority: "LOG_PRIORITY_INFO",
    });
    expect(older.entries.map(({ message }: Entry) => message)).toEqual(["page 2497", "page 2498"]);
    expect(older.matchedCount).toBe("2499");
  });

  test("many long lines: the answer stays below 512 KiB, and the cursor gives the rest", async () => {
    await log(Array.from({ length: 100 }, (_, index) => `long ${index} ${"y".repeat(8000)}`).join("\n"));
    await sync();
    const answer = await query({ pattern: "^long ", limit: 100 });
    expect(answer.matchedCount).toBe("100");
    expect(answer.entries.length).toBeGreaterThan(50);
    expect(answer.entries.length).toBeLessThan(70);
    expect(answer.entries.at(-1).message).toMatch(/^long 99 /);
    const older = await query({ pattern: "^long ", limit: 100, cursor: answer.nextCursor });
    expect(older.entries.length + answer.entries.length).toBe(100);
  });

  test("a pattern that makes backtracking engines explode is searched in linear time", async () => {
    await log(`boom ${"a".repeat(5000)}!`);
    await sync();
    const started = performance.now();
    expect((await query({ pattern: "boom (a+)+$" })).matched).toBe(false);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test.each([
    { request: { pattern: "(" }, reason: "INVALID_ARGUMENT", field: "pattern" },
    { request: { boot: -1000 }, reason: "INVALID_ARGUMENT", field: "boot" },
    { request: { cursor: "nonsense" }, reason: "INVALID_HANDLE", field: undefined },
    { request: { cursor: "s=00;i=zz" }, reason: "INVALID_HANDLE", field: undefined },
  ])("$request: $reason", async ({ request, reason, field }) => {
    const { error } = await hosts.ask(host, "queryLogs", request);
    expect(error?.reason).toBe(reason);
    if (field) expect(error?.metadata.field).toBe(field);
  });

  test("a quiet unit matches nothing; one that never was is said to be unknown", async () => {
    const quiet = { matched: false, matchedCount: "0", entries: [], nextCursor: "", unitUnknown: false };
    expect(await query({ unit: "console-getty" })).toMatchObject(quiet);
    expect(await query({ unit: "ngnix" })).toMatchObject({ ...quiet, unitUnknown: true });
    expect(await query({ unit: "talker", pattern: "no such text" })).toMatchObject(quiet);
  });

  test("counting that does not end in time is marked as a lower bound", async () => {
    const { response } = await hosts.ask(host, "queryLogs", { limit: 5 }, { timeoutMs: 1 });
    expect(response).toMatchObject({ countIsLowerBound: true });
  });

  test("a count that the deadline ends: a lower bound, with the newest lines and a cursor", async () => {
    await host.writeFile("/etc/systemd/journald.conf.d/fast.conf", "[Journal]\nRateLimitIntervalSec=0\n");
    await host.run(["systemctl", "restart", "systemd-journald"]);
    const flood = "seq 1 100000 | sed 's/^/flood /' | systemd-cat --identifier=flood";
    await host.run(["sh", "-c", flood]);
    await sync();
    const { response } = await hosts.ask(host, "queryLogs", { pattern: "^flood ", limit: 3 }, { timeoutMs: 200 });
    expect(response).toMatchObject({ matched: true, countIsLowerBound: true });
    expect(response.entries.map(({ message }: Entry) => message)).toEqual([
      "flood 99998",
      "flood 99999",
      "flood 100000",
    ]);
    expect(response.nextCursor).not.toBe("");
    expect(Number(response.matchedCount)).toBeLessThan(100_000);
    expect((await query({ pattern: "^flood ", limit: 3 })).matchedCount).toBe("100000");
  }, 60_000);

  test("who may read only a part of the journal is refused: PRIVILEGE_MISSING", async () => {
    const { error } = await hosts.ask(host, "queryLogs", {}, { wrapper: nobody });
    expect(error).toMatchObject({ reason: "PRIVILEGE_MISSING", metadata: { needs: "root" } });
  });

  test("who sees the own journal only is refused too, though journalctl shows that part", async () => {
    // A copy, which only this mount namespace has, with a file of the user beside that of the system.
    const copy = `cp -r /var/log/journal /tmp/copy; mount --bind /tmp/copy /var/log/journal; mount -t tmpfs none /run/log
      cd /var/log/journal/*; chmod o+rx . ..; cp system.journal user-65534.journal; chmod 644 user-65534.journal; exec "$@"`;
    const { error } = await hosts.ask(
      host,
      "queryLogs",
      {},
      { wrapper: ["unshare", "--mount", "sh", "-c", copy, "sh", ...nobody] },
    );
    expect(error?.reason).toBe("PRIVILEGE_MISSING");
  });

  test("a host without a journal: UNSUPPORTED, with the text logs that it has instead", async () => {
    const hide = 'mount -t tmpfs none /var/log; mount -t tmpfs none /run/log; touch /var/log/syslog; exec "$@"';
    const { error } = await hosts.ask(
      host,
      "queryLogs",
      {},
      { wrapper: ["unshare", "--mount", "sh", "-c", hide, "sh"] },
    );
    expect(error).toMatchObject({
      reason: "UNSUPPORTED",
      metadata: { operation: "QueryLogs", needs: "systemd-journald", found: "/var/log/syslog" },
    });
  });

  test("two boots: the current one by default, an earlier one by number, both since then", async () => {
    const before = new Date(Date.now() - 3_600_000).toISOString();
    await hosts.restart(host);
    await log("of the boot now");
    await sync();
    const pattern = "^of the boot ";
    expect(await messages({ pattern })).toEqual(["of the boot now"]);
    expect(await messages({ pattern, boot: 0 })).toEqual(["of the boot now"]);
    expect(await messages({ pattern, boot: -1 })).toEqual(["of the boot before"]);
    expect(await messages({ pattern, since: before })).toEqual(["of the boot before", "of the boot now"]);
    expect(await messages({ pattern, since: before, boot: 0 })).toEqual(["of the boot now"]);
  });
});

// "2026-11-22T21:29:00.824055Z" and so on.
function plusMicroseconds(time: string, microseconds: bigint): string {
  const [, seconds = "", fraction = ""] = /^(.*)\.(\d{6})Z$/.exec(time) ?? [];
  const sum = BigInt(Date.parse(`${seconds}Z`)) * 1000n + BigInt(fraction) + microseconds;
  const whole = new Date(Number(sum / 1000n)).toISOString().slice(0, -1);
  return `${whole}${(sum % 1000n).toString().padStart(3, "0")}Z`;
}
