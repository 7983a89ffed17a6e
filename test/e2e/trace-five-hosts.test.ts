// An SRE's way in on five real hosts: who does it, where, from the kernel of each host to one screen.
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireHosts } from "../hosts/hosts.js";
import { commandPath } from "./command-process.js";
import { type FiveHosts, hostNames, startFiveHosts, waitForHosts } from "./five-hosts.js";
import { connectMcp, type McpClient } from "./mcp-clients.js";

describe.skipIf(await requireHosts())("traces of five real hosts", { timeout: 120_000 }, () => {
  let fleet: FiveHosts;
  let client: McpClient;

  beforeAll(async () => {
    fleet = await startFiveHosts();
    client = await connectMcp("2026-07-28", { url: fleet.controlPlane.addresses.mcp, token: fleet.controlPlane.token });
    await waitForHosts(client, hostNames);
  }, 600_000);

  afterAll(async () => {
    await client?.close();
    await fleet?.[Symbol.asyncDispose]();
  });

  function trace(...args: string[]) {
    const { addresses, stateDirectory } = fleet.controlPlane;
    const where = ["--fleet", addresses.grpc, "--state-dir", stateDirectory];
    return execa(process.execPath, [commandPath, "trace", ...args, ...where], { reject: false });
  }

  test("the process that writes to a file is found, on its host alone, by its number there", async () => {
    const script =
      'const fs = require("fs"); setInterval(() => fs.appendFileSync("/var/log/ledger.log", "entry\\n"), 200)';
    const host = fleet.hosts.host("zypper-a");
    await host.startUnit("ledger", ["/usr/bin/node", "-e", script]);
    const pid = await host.run(["systemctl", "show", "--property", "MainPID", "--value", "ledger"]);
    const { stdout, exitCode } = await trace("write", "--path", "/var/log/ledger.log", "--on", "all", "--for", "3");
    expect(exitCode).toBe(0);
    const writes = stdout.split("\n").filter((line) => /] write /.test(line) && !line.includes("<num>"));
    expect(writes.length).toBeGreaterThan(3);
    expect(new Set(writes)).toEqual(
      new Set([`zypper-a  node[${pid.trim()}] write /var/log/ledger.log = 6  (by systemd)`]),
    );
    expect(stdout).toContain("5 ok");
  });
});
