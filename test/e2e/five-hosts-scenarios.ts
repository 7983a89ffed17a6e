// The main job on real input: five real Linux hosts asked and changed through official MCP clients. Every bus has to bear the same.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { countTokens } from "../../services/shared/count-tokens.js";
import { requireHosts } from "../hosts/hosts.js";
import { commandPath } from "./command-process.js";
import { type FiveHosts, hostNames, startDaemonOn, waitForHosts } from "./five-hosts.js";
import { connectMcp, eras, type McpClient, type ToolAnswer } from "./mcp-clients.js";

const skipped = await requireHosts();

const packageManagers = [
  ["apt", "deb-a"],
  ["dnf", "dnf-a"],
  ["zypper", "zypper-a"],
  ["pacman", "pacman-a"],
] as const;

// After a removal dpkg still knows the version of what it keeps the configuration of: "ii" says that it is installed.
const versionQueries = {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own format language
  debian: ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", "hello-fleet"],
  fedora: ["rpm", "-q", "--qf", "%{VERSION}", "hello-fleet"],
  opensuse: ["rpm", "-q", "--qf", "%{VERSION}", "hello-fleet"],
  arch: ["pacman", "-Q", "hello-fleet"],
};

/** Registers the scenarios; `more` adds those of one kind of control plane. */
export function testFiveHosts(
  title: string,
  start: () => Promise<FiveHosts>,
  more?: (running: () => { fleet: FiveHosts; client: McpClient }) => void,
): void {
  describe.skipIf(skipped)(title, { timeout: 180_000 }, () => {
    let fleet: FiveHosts;
    let client: McpClient;

    beforeAll(async () => {
      fleet = await start();
      const { url, token } = { url: fleet.controlPlane.addresses.mcp, token: fleet.controlPlane.token };
      client = await connectMcp("2026-07-28", { url, token });
      await waitForHosts(client, hostNames);
    }, 600_000);

    afterAll(async () => {
      await client?.close();
      await fleet?.[Symbol.asyncDispose]();
    });

    test.each(eras)("a client of %s over HTTP lists the tools and gets a summary of all five", async (era) => {
      const other = await connectMcp(era, { url: fleet.controlPlane.addresses.mcp, token: fleet.controlPlane.token });
      expect(await other.listTools()).toContain("capture_system_snapshot");
      const answer = await other.call("capture_system_snapshot", { selector: "all" });
      expectAccounting(answer, { targeted: 5, ok: 5 });
      await other.close();
    });

    test.each(eras)("a client of %s over stdio gets the same", async (era) => {
      const args = [
        "mcp",
        "--fleet",
        fleet.controlPlane.addresses.grpc,
        "--state-dir",
        fleet.controlPlane.stateDirectory,
      ];
      const other = await connectMcp(era, { command: process.execPath, args: [commandPath, ...args] });
      const answer = await other.call("capture_system_snapshot", { selector: "all" });
      expectAccounting(answer, { targeted: 5, ok: 5 });
      await other.close();
    });

    test("an error planted on two of five is counted exactly and the two hosts are named", async () => {
      await plantLines("deb-b", "payment backend refused order", 7);
      await plantLines("pacman-a", "payment backend refused order", 4);
      const answer = await client.call("query_system_logs", { selector: "all", pattern: "payment backend refused" });
      expectAccounting(answer, { targeted: 5, ok: 5 });
      expect(answer.text).toContain("deb-b");
      expect(answer.text).toContain("pacman-a");
      expect(answer.text).toMatch(/payment backend refused order/);
      const [template] = answer.structured.templates;
      expect(template).toMatchObject({ count: 11, host_count: 2 });
      expect(Object.fromEntries(template.hosts.map((entry: any) => [entry.host, entry.count]))).toEqual({
        "deb-b": 7,
        "pacman-a": 4,
      });
      const majority = answer.structured.majority.find((finding: any) => finding.path === "matched");
      expect(majority).toMatchObject({ value: "false", host_count: 3 });
      expectUnderBudget(answer);
    });

    test("who holds port 443: the process, its argv and its parent on the one host", async () => {
      const script = "require('net').createServer().listen(443)";
      await fleet.hosts.host("dnf-a").startUnit("holder-of-443", ["/usr/bin/node", "-e", script]);
      await expect.poll(async () => (await askPort()).text, { timeout: 10_000 }).toContain("dnf-a");
      const answer = await askPort();
      expectAccounting(answer, { targeted: 5, ok: 5 });
      const opened = await client.call("open_result", { run_id: answer.structured.run_id, host: "dnf-a" });
      const [listener] = opened.structured.items[0].answer.listeners;
      expect(listener).toMatchObject({ protocol: "SOCKET_PROTOCOL_TCP", port: 443 });
      expect(listener.holders[0]).toMatchObject({
        name: "node",
        argv: ["/usr/bin/node", "-e", script],
        parentPid: 1,
        parentName: "systemd",
      });
      for (const other of ["deb-a", "deb-b", "zypper-a", "pacman-a"]) {
        const empty = await client.call("open_result", { run_id: answer.structured.run_id, host: other });
        expect(empty.structured.items[0].answer.listeners ?? []).toEqual([]);
      }
    });

    test("a service that crashed on one host is the deviation, with its real failed state", async () => {
      await Promise.all(hostNames.map((name) => installUnit(name, "ledger.service", "/bin/sleep infinity")));
      const crashing = fleet.hosts.host("zypper-a");
      await crashing.run(["systemctl", "kill", "-s", "SEGV", "ledger.service"]);
      const stateNow = async () => (await crashing.exec(["systemctl", "is-active", "ledger.service"])).stdout.trim();
      await expect.poll(stateNow, { timeout: 20_000 }).toBe("failed");
      const answer = await client.call("list_services", { selector: "all", names: ["ledger"] });
      expectAccounting(answer, { targeted: 5, ok: 5 });
      const deviation = answer.structured.deviations.find((finding: any) => finding.path === "services.active_state");
      expect(deviation).toMatchObject({
        key: "ledger.service",
        value: "failed",
        hosts: ["zypper-a"],
        majority_value: "active",
      });
      const result = answer.structured.deviations.find((finding: any) => finding.path === "services.result");
      expect(result.value).toMatch(/signal|core-dump/);
      expect(answer.text).toMatch(/ledger\.service.*zypper-a|zypper-a.*ledger\.service/);
    });

    test.each(packageManagers)(
      "%s: install, restart, upgrade and remove by plan, confirmation and commit",
      async (_manager, name) => {
        const host = fleet.hosts.host(name);
        await host.publish("1.0");
        await change("install_applications", { selector: name, packages: ["hello-fleet"], refresh: true });
        expect(await installedVersion(name)).toMatch(/^1\.0/);
        await host.run(["systemctl", "daemon-reload"]);
        await host.run(["systemctl", "start", "hello-fleet"]);
        const firstPid = await mainPid(name);
        await change("manage_service", { selector: name, name: "hello-fleet", action: "restart" });
        expect(await mainPid(name)).not.toBe(firstPid);
        await host.publish("2.0");
        await change("update", { selector: name, packages: ["hello-fleet"], refresh: true });
        expect(await installedVersion(name)).toMatch(/^2\.0/);
        await change("remove_applications", { selector: name, packages: ["hello-fleet"] });
        expect(await installedVersion(name)).toBe("");
      },
    );

    test("a declined plan changes nothing, and a client without elicitation is refused in words that help", async () => {
      const endpoint = { url: fleet.controlPlane.addresses.mcp, token: fleet.controlPlane.token };
      const expectations = [
        ["declines", "CONFIRMATION_DECLINED"],
        ["absent", "CONFIRMATION_UNAVAILABLE"],
      ] as const;
      for (const [human, reason] of expectations) {
        for (const era of eras) {
          const other = await connectMcp(era, endpoint, human);
          const plan = await other.call("manage_service", { selector: "deb-a", name: "cron", action: "stop" });
          const refused = await other.call("commit_change", { plan_hash: plan.structured.plan_hash });
          expect(refused.isError).toBe(true);
          expect(refused.text).toContain(reason);
          await other.close();
        }
      }
      expect(await fleet.hosts.host("deb-a").run(["systemctl", "is-active", "cron"])).toBe("active");
    });

    test("a host that was never there is refused with the nearest names", async () => {
      const answer = await client.call("list_kernel_modules", { selector: "deb-a, deb-z" });
      expect(answer.isError).toBe(true);
      expect(answer.text).toContain("UNKNOWN_HOST");
      expect(answer.text).toContain("deb-z");
    });

    test("a daemon killed with -9 between STARTED and DONE reports indeterminate and does not run it again", async () => {
      const host = fleet.hosts.host("deb-b");
      const slow = "/bin/sh -c 'echo run >> /var/tmp/slow-starts; sleep 5'";
      await installUnit("deb-b", "slow.service", "/bin/sleep infinity", [`ExecStartPre=${slow}`], false);
      const plan = await client.call("manage_service", { selector: "deb-b", name: "slow", action: "start" });
      const committed = client.call("commit_change", { plan_hash: plan.structured.plan_hash });
      await expect.poll(() => startsOf("deb-b"), { timeout: 20_000 }).toBe(1);
      await host.kill9("systems-manager-daemon");
      await startDaemonOn(fleet, "deb-b");
      const answer = await committed;
      expectAccounting(answer, { targeted: 1, indeterminate: 1 });
      expect(answer.text).toContain("indeterminate");
      await waitForHosts(client, hostNames);
      expect(await startsOf("deb-b")).toBe(1);
    });

    more?.(() => ({ fleet, client }));

    test("a host killed in mid-run is named no_answer and the identity holds", async () => {
      const host = fleet.hosts.host("pacman-a");
      const daemonPid = await host.run(["systemctl", "show", "-p", "MainPID", "--value", "systems-manager-daemon"]);
      // Stopped, the daemon holds its connection and stays silent: the run is in the middle when the host dies.
      await host.run(["kill", "-STOP", daemonPid]);
      const asked = client.call("capture_system_snapshot", { selector: "all" });
      await new Promise((resolve) => setTimeout(resolve, 500));
      await host.kill();
      const answer = await asked;
      expectAccounting(answer, { targeted: 5, ok: 4, no_answer: 1 });
      expect(answer.text).toMatch(/no_answer.*pacman-a|no answer.*pacman-a/);
      const opened = await client.call("open_result", { run_id: answer.structured.run_id, state: "no_answer" });
      expect(opened.structured.items.flatMap((item: any) => item.hosts)).toEqual(["pacman-a"]);
    });

    const askPort = () => client.call("get_network_connections", { selector: "all", port: 443, role: "listener" });

    async function plantLines(name: string, message: string, count: number): Promise<void> {
      const lines = Array.from({ length: count }, (_, index) => `${message} ${1000 + index}`).join("\n");
      await fleet.hosts.host(name).run(["systemd-cat", "-t", "shop", "-p", "err"], { input: `${lines}\n` });
      await fleet.hosts.host(name).run(["journalctl", "--sync"]);
    }

    async function installUnit(
      name: string,
      unit: string,
      command: string,
      extra: string[] = [],
      start = true,
    ): Promise<void> {
      const host = fleet.hosts.host(name);
      const lines = ["[Service]", `ExecStart=${command}`, ...extra, "[Install]", "WantedBy=multi-user.target", ""];
      await host.writeFile(`/etc/systemd/system/${unit}`, lines.join("\n"));
      await host.run(["systemctl", "daemon-reload"]);
      if (start) await host.run(["systemctl", "start", unit]);
    }

    /** Plans, confirms, commits, and checks that the dry run predicted exactly what happened. */
    async function change(tool: string, args: Record<string, unknown>): Promise<void> {
      const plan = await client.call(tool, args);
      expect(plan.isError, plan.text).toBe(false);
      const answer = await client.call("commit_change", { plan_hash: plan.structured.plan_hash });
      expect(answer.isError, answer.text).toBe(false);
      expectAccounting(answer, { targeted: 1, ok: 1 });
      const predicted = await changesOf(plan.structured.run_id);
      expect(predicted.length).toBeGreaterThan(0);
      expect(await changesOf(answer.structured.run_id)).toEqual(predicted);
    }

    async function changesOf(runId: string): Promise<unknown[]> {
      const opened = await client.call("open_result", { run_id: runId });
      return opened.structured.items[0].answer.changes;
    }

    /** The installed version as the package manager itself tells it; "" when it is not installed. */
    async function installedVersion(name: string): Promise<string> {
      const host = fleet.hosts.host(name);
      const { stdout, exitCode } = await host.exec(versionQueries[host.distro]);
      return exitCode === 0 ? (/^(?:ii |hello-fleet )?([0-9]\S*)$/.exec(stdout)?.[1] ?? "") : "";
    }

    const mainPid = (name: string) =>
      fleet.hosts.host(name).run(["systemctl", "show", "-p", "MainPID", "--value", "hello-fleet"]);

    async function startsOf(name: string): Promise<number> {
      const { stdout } = await fleet.hosts.host(name).exec(["cat", "/var/tmp/slow-starts"]);
      return stdout.split("\n").filter((line) => line === "run").length;
    }
  });
}

/** The summary says these counts, and the identity holds. */
export function expectAccounting(answer: ToolAnswer, expected: Record<string, number>): void {
  expect(answer.isError, answer.text).toBe(false);
  const { hosts: accounting } = answer.structured;
  expect(accounting).toMatchObject(expected);
  const states = ["ok", "failed", "denied", "expired", "queued", "cancelled", "no_answer", "indeterminate"];
  expect(states.reduce((sum, state) => sum + (accounting[state] ?? 0), 0)).toBe(accounting.targeted);
}

function expectUnderBudget(answer: ToolAnswer): void {
  expect(countTokens(answer.text)).toBeLessThanOrEqual(2000);
}
