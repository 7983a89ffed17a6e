import { create, toJson } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { ErrorReason } from "../../../services/gen/systemsmanager/errors/v1/error_reason_pb.js";
import { HostErrorSchema, HostState } from "../../../services/gen/systemsmanager/fleet/v1/run_pb.js";
import { SummarySchema } from "../../../services/gen/systemsmanager/fleet/v1/summary_pb.js";
import { ChangeKind } from "../../../services/gen/systemsmanager/mutation/v1/change_pb.js";
import { LogPriority } from "../../../services/gen/systemsmanager/telemetry/v1/log_pb.js";
import { ProcessState } from "../../../services/gen/systemsmanager/telemetry/v1/process_pb.js";
import { ActiveState, LoadState } from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { SocketProtocol, TcpState } from "../../../services/gen/systemsmanager/telemetry/v1/socket_pb.js";
import { operations } from "../../../services/shared/operations.js";
import { type Answers, summarizeAnswers } from "./answers.js";
import { traceCases } from "./trace-cases.js";

const hosts = ["web-1", "web-2", "web-3", "db-1", "db-2"];

function onEach(answer: (host: string, index: number) => Record<string, unknown>): Answers {
  return Object.fromEntries(hosts.map((host, index) => [host, answer(host, index)]));
}

function service(name: string, over: Record<string, unknown> = {}) {
  return {
    name,
    loadState: LoadState.LOADED,
    activeState: ActiveState.ACTIVE,
    subState: "running",
    enabledState: "enabled",
    result: "success",
    ...over,
  };
}

const failed = { activeState: ActiveState.FAILED, subState: "failed", result: "exit-code" };

const cases: Record<string, Answers> = {
  GetSystemSnapshot: onEach((host, index) => ({
    os: {
      prettyName: "Debian GNU/Linux 12 (bookworm)",
      kernelRelease: index === 4 ? "5.10.0-8" : "6.1.0-13",
      arch: "x64",
    },
    hardware: { cpuModel: "AMD EPYC 7B13", cpuCount: 4, virtualization: "kvm" },
    cpu: { utilization: 0.12 * index, iowait: 0.001 },
    memory: { totalBytes: 8n << 30n, usedRatio: 0.3 + index / 10 },
    load: { one: index / 3 },
    disks: [
      { mountPoint: "/", fileSystem: "ext4", usedRatio: host === "db-1" ? 0.97 : 0.2 + index / 50 },
      ...(host.startsWith("db")
        ? [{ mountPoint: "/data", fileSystem: "xfs", usedRatio: 0.5, readOnly: host === "db-2" }]
        : []),
    ],
    uptimeSeconds: 86_400 * index + 55,
  })),
  ListProcesses: onEach((_host, index) => ({
    matchedCount: 3,
    processes: [
      { pid: 1, name: "systemd", user: "root", state: ProcessState.SLEEPING, rssBytes: 12_000_000n, cpuUsage: 0.001 },
      {
        pid: 70 + index,
        name: "nginx",
        user: "www-data",
        state: ProcessState.SLEEPING,
        rssBytes: 30_000_000n,
        cpuUsage: 0.02,
      },
      {
        pid: 90,
        name: index === 2 ? "xmrig" : "sshd",
        user: "root",
        state: ProcessState.RUNNING,
        rssBytes: 9_000_000n,
        cpuUsage: index === 2 ? 3.9 : 0,
      },
    ],
  })),
  GetProcess: onEach((host, index) => ({
    processes: [
      {
        process: { pid: 400 + index, name: "nginx", user: "root", state: ProcessState.SLEEPING, rssBytes: 30_000_000n },
        executable: host === "web-2" ? "/tmp/nginx" : "/usr/sbin/nginx",
        openFileCount: 12 + index,
        pssBytes: 20_000_000n,
        unavailable: index === 0 ? ["open_files: permission denied"] : [],
      },
    ],
  })),
  ListSockets: onEach((host) => ({
    listeners:
      host === "web-2"
        ? [
            {
              protocol: SocketProtocol.TCP,
              address: "0.0.0.0",
              port: 443,
              holders: [
                {
                  pid: 7,
                  name: "nginx",
                  argv: ["nginx:", "master", "-g", "daemon off;"],
                  parentName: "systemd",
                  user: "root",
                },
              ],
            },
          ]
        : [],
    connections: [{ protocol: SocketProtocol.TCP, state: TcpState.ESTABLISHED }],
  })),
  ListServices: onEach((host) => ({
    services: [
      service("cron.service"),
      service("nginx.service", host === "web-3" ? failed : {}),
      ...(host.startsWith("db") ? [service("postgresql.service")] : []),
      service("ssh.service"),
      ...(host === "web-1" ? [] : [service("systemd-timesyncd.service")]),
    ],
    failedCount: host === "web-3" ? 1 : 0,
  })),
  QueryLogs: onEach((host, index) => ({
    matched: host === "web-1" || host === "db-1",
    matchedCount: host === "web-1" ? 3n : host === "db-1" ? 1n : 0n,
    entries: (host === "web-1" ? [1, 2, 3] : host === "db-1" ? [4] : []).map((number) => ({
      time: timestampFromDate(new Date(1_700_000_000_000 + number)),
      unit: "nginx.service",
      priority: LogPriority.ERROR,
      message: `upstream timed out (110: Connection timed out), client: 10.0.${index}.${number}, request: "GET /${number} HTTP/1.1"`,
    })),
  })),
  ListKernelModules: onEach((host) => ({
    modules: [
      ...["br_netfilter", "ext4", "overlay", "veth"].map((name) => ({ name, state: "Live" })),
      ...(host === "db-2" ? [{ name: "hidden", state: "Live", taints: "OE" }] : []),
    ],
  })),
  ListPackages: onEach((host, index) => ({
    packageManager: index < 3 ? "apt" : index === 3 ? "dnf" : "pacman",
    packages: [
      { name: "openssl", version: host === "web-2" ? "3.0.2" : "3.0.11" },
      ...Array.from({ length: 40 }, (_, number) => ({
        name: `${index < 3 ? "lib" : host}-${number}`,
        version: `1.${number}`,
      })),
    ],
    matchedCount: 41,
  })),
  ManageService: onEach((host) => ({
    dryRun: true,
    changes:
      host === "web-3"
        ? []
        : [{ subject: "nginx.service", kind: ChangeKind.RESTART, from: "active (running)", to: "active (running)" }],
  })),
  InstallPackages: onEach((_host, index) => ({
    changes: [
      { subject: "hello-fleet", kind: ChangeKind.INSTALL, to: "2.0" },
      ...(index === 3 ? [{ subject: "libhello", kind: ChangeKind.INSTALL, to: "1.1" }] : []),
    ],
    output: { text: "Setting up hello-fleet (2.0) ..." },
  })),
  RemovePackages: onEach(() => ({
    dryRun: true,
    changes: [{ subject: "hello-fleet", kind: ChangeKind.REMOVE, from: "2.0" }],
  })),
  UpdatePackages: onEach((_host, index) => ({
    dryRun: true,
    changes:
      index === 4
        ? []
        : [{ subject: "hello-fleet", kind: ChangeKind.UPGRADE, from: index === 3 ? "0.9" : "1.0", to: "2.0" }],
  })),
  Optimize: onEach((_host, index) => ({
    changes: [{ subject: "/var/cache/apt/archives", kind: ChangeKind.CLEAN }],
    freedBytes: BigInt(index) * 100_000_000n,
  })),
  ...traceCases,
};

const failures = [
  { host: "gone-1", state: HostState.NO_ANSWER },
  {
    host: "old-1",
    state: HostState.FAILED,
    error: create(HostErrorSchema, {
      reason: ErrorReason.SERVICE_MANAGER_MISSING,
      message: "systemd does not run: process 1 is process_api",
      remedy: "ask a host that was booted by systemd",
    }),
  },
];

describe("the summary of real-looking answers", () => {
  test("there is a case for every operation", () => {
    expect(Object.keys(cases).sort()).toEqual([...operations.values()].map(({ method }) => method.name).sort());
  });

  test.each(Object.keys(cases))("%s on five hosts", (method) => {
    expect(summarizeAnswers(method, cases[method] as Answers, { failures }).text).toMatchSnapshot();
  });

  test.each(Object.keys(cases))("%s on one host", (method) => {
    const answers = cases[method] as Answers;
    expect(summarizeAnswers(method, { "web-1": answers["web-1"] ?? {} }).text).toMatchSnapshot();
  });

  test("ListServices in fields", () => {
    const summary = summarizeAnswers("ListServices", cases.ListServices as Answers, { failures });
    expect(toJson(SummarySchema, { ...summary, text: "" })).toMatchSnapshot();
  });

  test.each(Object.keys(cases))("%s with empty answers", (method) => {
    const summary = summarizeAnswers(method, { "web-1": {}, "web-2": {} });
    expect(summary.text).toContain("asked 2 hosts: 2 ok; all answers are equal");
  });

  test("nobody answered", () => {
    const summary = summarizeAnswers("ListServices", {}, { failures });
    expect(summary.text).toContain("asked 2 hosts: 1 failed, 1 no_answer");
    expect(summary.text).toContain("gone-1");
    expect(summary.text).toContain("SERVICE_MANAGER_MISSING (old-1)");
  });
});
