// Services of a real systemd: what is listed, what each action leads to, and what a crash looks like.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Host, requireHosts } from "../../../hosts/hosts.js";
import { type ProviderHosts, startProviderHosts } from "../provider-hosts.js";

const skipped = await requireHosts();
let hosts: ProviderHosts;
let host: Host;

const units: Record<string, string> = {
  "steady.service": service("ExecStart=/bin/sleep infinity\nExecReload=/bin/true"),
  "stubborn.service": service("ExecStart=/bin/sleep infinity"),
  "crash.service": service('ExecStart=/bin/sh -c "echo last words; exit 7"'),
  "late.service": service('ExecStart=/bin/sh -c "sleep 0.4; kill -SEGV $$$$"\nLimitCORE=0'),
  "flapping.service": service("ExecStart=/bin/false\nRestart=always\nRestartSec=50ms"),
  "refused.service": service("Type=notify\nExecStart=/bin/false"),
  "once.service": service("Type=oneshot\nExecStart=/bin/true"),
  "kept.service": service("Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true"),
  "broken.service": "[Service]\nType=oneshot\n",
  "guarded.service": "[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=/bin/true\n",
  "made@.service": service("ExecStart=/bin/sleep infinity"),
  "plain.service": "[Service]\nExecStart=/bin/sleep infinity\n",
  "known-as.service": `${service("ExecStart=/bin/sleep infinity")}Alias=other-name.service\n`,
};

function service(lines: string): string {
  return `[Unit]\nDescription=A service for tests\n[Service]\n${lines}\n[Install]\nWantedBy=multi-user.target\n`;
}

const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
// A mount namespace of its own hides the directory that tells that systemd runs.
const withoutSystemd = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run/systemd; exec "$@"', "sh"];

describe.skipIf(skipped)("services of a real host", () => {
  beforeAll(async () => {
    hosts = await startProviderHosts([{ name: "services", distro: "debian" }]);
    host = hosts.fleet.host("services");
    for (const [name, text] of Object.entries(units)) await host.writeFile(`/usr/lib/systemd/system/${name}`, text);
    await host.run(["systemctl", "daemon-reload"]);
  });
  afterAll(() => hosts?.close());

  const manage = (name: string, action: string, dryRun = false) =>
    hosts.ask(host, "manageService", { name, action: `SERVICE_ACTION_${action}`, dryRun });
  const show = async (name: string) => (await hosts.response(host, "listServices", { names: [name] })).services[0];
  // The dry run and then the commit; both must say the same.
  const change = async (name: string, action: string) => {
    const planned = await manage(name, action, true);
    const done = await manage(name, action);
    expect(done.error).toBeUndefined();
    expect({ ...planned.response, dryRun: false }).toEqual(done.response);
    return done.response.changes;
  };

  test("steady: start, start again, reload, restart, stop, stop again", async () => {
    const stopped = "inactive (dead)";
    const running = "active (running)";
    expect(await change("steady", "START")).toEqual([changed("steady.service", "START", stopped, running)]);
    expect(await change("steady", "START")).toEqual([]);
    const first = await show("steady");
    expect(first).toMatchObject({
      name: "steady.service",
      description: "A service for tests",
      loadState: "LOAD_STATE_LOADED",
      activeState: "ACTIVE_STATE_ACTIVE",
      subState: "running",
      enabledState: "disabled",
      result: "success",
      restartCount: 0,
    });
    expect(await host.readFile(`/proc/${first.mainPid}/comm`)).toBe("sleep\n");
    expect(Date.now() - Date.parse(first.since)).toBeLessThan(60_000);
    expect(Date.parse(first.since)).toBeLessThanOrEqual(Date.now());
    expect(await change("steady", "RELOAD")).toEqual([changed("steady.service", "RELOAD", running, running)]);
    expect(await change("steady", "RESTART")).toEqual([changed("steady.service", "RESTART", running, running)]);
    expect((await show("steady")).mainPid).not.toBe(first.mainPid);
    expect(await change("steady", "STOP")).toEqual([changed("steady.service", "STOP", running, stopped)]);
    expect(await change("steady", "STOP")).toEqual([]);
    expect(await show("steady")).toMatchObject({ activeState: "ACTIVE_STATE_INACTIVE", mainPid: 0 });
  });

  test("stubborn: enable, mask, unmask, disable, each with the state before and after", async () => {
    const unit = "stubborn.service";
    expect(await change(unit, "ENABLE")).toEqual([changed(unit, "ENABLE", "disabled", "enabled")]);
    expect(await change(unit, "ENABLE")).toEqual([]);
    expect(await change(unit, "MASK")).toEqual([changed(unit, "MASK", "enabled", "masked")]);
    expect(await show(unit)).toMatchObject({ loadState: "LOAD_STATE_MASKED", enabledState: "masked" });
    expect((await manage(unit, "START")).error).toMatchObject({
      reason: "CHANGE_REFUSED",
      metadata: { subject: unit, rule: "it is masked" },
    });
    expect(await change(unit, "UNMASK")).toEqual([changed(unit, "UNMASK", "masked", "enabled")]);
    expect(await change(unit, "DISABLE")).toEqual([changed(unit, "DISABLE", "enabled", "disabled")]);
    expect(await change(unit, "DISABLE")).toEqual([]);
    expect(await change(unit, "MASK")).toEqual([changed(unit, "MASK", "disabled", "masked")]);
    expect(await change(unit, "UNMASK")).toEqual([changed(unit, "UNMASK", "masked", "disabled")]);
  });

  test.each([
    { name: "once", state: "inactive (dead)" },
    { name: "kept", state: "active (exited)" },
    { name: "made@one", state: "active (running)" },
    { name: "other-name", state: "active (running)" },
  ])("$name: rests in $state once started", async ({ name, state }) => {
    if (name === "other-name") await host.run(["systemctl", "enable", "known-as"]);
    const [started] = await change(name, "START");
    expect(started).toMatchObject({ kind: "CHANGE_KIND_START", from: "inactive (dead)", to: state });
    expect(started.subject).toBe(name === "other-name" ? "known-as.service" : `${name}.service`);
  });

  test.each([
    { name: "crash", state: "failed (failed)", result: "exit-code", status: "7", log: "last words" },
    { name: "late", state: "failed (failed)", result: "signal", status: "11", log: "status=11/SEGV" },
    { name: "refused", state: "failed (failed)", result: "protocol", status: "1", log: "Failed to start" },
    {
      name: "flapping",
      state: /activating \(auto-restart\)|failed/,
      result: "exit-code",
      status: "1",
      log: "status=1",
    },
  ])(
    "$name: starting it fails with its real state and its last lines",
    async ({ name, state, result, status, log }) => {
      expect((await manage(name, "START", true)).response.changes[0].to).toBe("active (running)");
      const { error } = await manage(name, "START");
      expect(error?.reason).toBe("COMMAND_FAILED");
      expect(error?.metadata).toMatchObject({ unit: `${name}.service`, exit_code: status });
      expect(error?.metadata.state).toMatch(state);
      expect([result, "exit-code"]).toContain(error?.metadata.result);
      expect(error?.metadata.output).toContain(log);
      expect(error?.message).not.toContain("last words");
    },
  );

  test("crash: it is listed as failed with its result, its status and the time of its end", async () => {
    const answer = await hosts.response(host, "listServices", { activeStates: ["ACTIVE_STATE_FAILED"] });
    const crashed = answer.services.find(({ name }: { name: string }) => name === "crash.service");
    expect(crashed).toMatchObject({
      activeState: "ACTIVE_STATE_FAILED",
      result: "exit-code",
      exitStatus: 7,
      mainPid: 0,
    });
    expect(crashed.memoryBytes).toBeUndefined();
    expect(Date.now() - Date.parse(crashed.since)).toBeLessThan(90_000);
    expect(answer.failedCount).toBe(answer.services.length);
  });

  test.each([
    { name: "stubborn", action: "RELOAD", rule: "it does not run" },
    { name: "made@one", action: "RELOAD", rule: "it has no way to reload" },
    { name: "broken", action: "START", rule: "its unit file has an error" },
    { name: "guarded", action: "START", rule: "it may only be started by other units" },
    { name: "plain", action: "ENABLE", rule: "it is static, without an [Install] section of its own" },
  ])("$action of $name is refused, in the dry run too: $rule", async ({ name, action, rule }) => {
    for (const dryRun of [true, false]) {
      const { error } = await manage(name, action, dryRun);
      expect(error).toMatchObject({ reason: "CHANGE_REFUSED", metadata: { subject: `${name}.service`, rule } });
    }
  });

  test("masking what lies where the mask would be is refused", async () => {
    await host.writeFile("/etc/systemd/system/local.service", units["steady.service"] ?? "");
    await host.run(["systemctl", "daemon-reload"]);
    expect((await manage("local", "MASK", true)).error?.metadata.rule).toBe("its unit file is where the mask would be");
    expect((await host.exec(["systemctl", "mask", "local"])).exitCode).not.toBe(0);
  });

  test.each(["stedy", "no-such-thing.service", "made@.service", "@bad", "x".repeat(255), "steady.socket"])(
    "%s: UNKNOWN_UNIT with the nearest names, and nothing done",
    async (name) => {
      const { error } = await manage(name, "START");
      expect(error?.reason).toBe("UNKNOWN_UNIT");
      expect(error?.metadata.nearest?.split(",")).toHaveLength(3);
      if (name === "stedy") expect(error?.metadata.nearest).toMatch(/^steady\.service,/);
    },
  );

  test("a service whose package is gone is listed for as long as it runs", async () => {
    await host.writeFile("/usr/lib/systemd/system/orphan.service", units["steady.service"] ?? "");
    await host.run(["systemctl", "daemon-reload"]);
    await host.run(["systemctl", "start", "orphan"]);
    await host.run(["rm", "/usr/lib/systemd/system/orphan.service"]);
    await host.run(["systemctl", "daemon-reload"]);
    expect(await show("orphan")).toMatchObject({
      loadState: "LOAD_STATE_NOT_FOUND",
      activeState: "ACTIVE_STATE_ACTIVE",
    });
    expect((await manage("orphan", "RESTART", true)).error?.metadata.rule).toBe("its unit file is gone");
    expect((await manage("orphan", "STOP")).response.changes).toEqual([
      changed("orphan.service", "STOP", "active (running)", "inactive (dead)"),
    ]);
    expect((await manage("orphan", "STOP")).error?.reason).toBe("UNKNOWN_UNIT");
  });

  test("the whole list: unit files and loaded units once each, without templates, aliases and mere mentions", async () => {
    const { services, omittedCount } = await hosts.response(host, "listServices", { limit: 1000 });
    const names: string[] = services.map(({ name }: { name: string }) => name);
    expect(omittedCount).toBe(0);
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toEqual(
      expect.arrayContaining(["steady.service", "made@one.service", "cron.service", "once.service"]),
    );
    for (const absent of ["made@.service", "other-name.service", "no-such-thing.service"])
      expect(names).not.toContain(absent);
    const loaded = await host.run([
      "systemctl",
      "list-units",
      "--type=service",
      "--state=active",
      "--plain",
      "--no-legend",
    ]);
    const active = services.filter((row: Record<string, string>) => row.activeState === "ACTIVE_STATE_ACTIVE");
    expect(active.map(({ name }: { name: string }) => name).sort()).toEqual(
      loaded
        .split("\n")
        .map((line) => line.split(" ")[0])
        .sort(),
    );
    expect(await hosts.response(host, "listServices", { limit: 2 })).toMatchObject({
      services: services.slice(0, 2),
      omittedCount: services.length - 2,
    });
  });

  test("a template is listed when it is named, with no active state", async () => {
    expect(await show("made@")).toMatchObject({ name: "made@.service", activeState: "ACTIVE_STATE_UNSPECIFIED" });
  });

  test("memory is told where the host accounts for it and absent where it does not", async () => {
    await host.run(["systemctl", "start", "steady"]);
    const counted = await host.run(["systemctl", "show", "steady", "--property=MemoryCurrent", "--value"]);
    const { memoryBytes } = await show("steady");
    if (/^\d+$/.test(counted)) expect(Number(memoryBytes)).toBeGreaterThan(0);
    else expect(memoryBytes).toBeUndefined();
  });

  test("without root: PRIVILEGE_MISSING, and nothing done", async () => {
    const request = { name: "steady", action: "SERVICE_ACTION_STOP" };
    const { error } = await hosts.ask(host, "manageService", request, { wrapper: nobody });
    expect(error).toMatchObject({ reason: "PRIVILEGE_MISSING", metadata: { needs: "root" } });
    expect((await show("steady")).activeState).toBe("ACTIVE_STATE_ACTIVE");
  });

  test("without systemd: SERVICE_MANAGER_MISSING names process 1", async () => {
    const { error } = await hosts.ask(host, "listServices", {}, { wrapper: withoutSystemd });
    expect(error).toMatchObject({ reason: "SERVICE_MANAGER_MISSING", metadata: { found: "systemd" } });
  });
});

function changed(subject: string, action: string, from: string, to: string) {
  return { subject, kind: `CHANGE_KIND_${action}`, from, to };
}
