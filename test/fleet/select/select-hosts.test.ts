import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { InventoryHost } from "../../../services/fleet/inventory/inventory.js";
import { selectHosts } from "../../../services/fleet/select/select-hosts.js";
import { HostFactsSchema } from "../../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { ErrorReason, errorDetailOf } from "../../../services/shared/errors.js";

type Facts = MessageInitShape<typeof HostFactsSchema>;

function host(name: string, facts: Facts = {}, online = true): InventoryHost {
  const hostId = Buffer.from(name.padEnd(16, ".")).toString("hex").slice(0, 32);
  const full = { hostId, name, os: "linux", distro: "debian", distroVersion: "12", arch: "x64", ...facts };
  return {
    hostId,
    name,
    facts: create(HostFactsSchema, full),
    online,
    lostWithRelay: false,
    attachment: "1",
    sinceMs: 1_000,
  };
}

const fleet = [
  host("web-1", {
    labels: { role: "web", env: "prod" },
    cpuCount: 8,
    memoryBytes: 16n << 30n,
    capabilities: ["systemd", "apt"],
  }),
  host("web-2", {
    labels: { role: "web", env: "test" },
    cpuCount: 2,
    memoryBytes: 4n << 30n,
    capabilities: ["systemd"],
  }),
  host("db-1", { labels: { role: "db" }, distro: "ubuntu", distroLike: ["debian"], cpuCount: 16 }, false),
  host("arch", { distro: "arch", kernel: "6.18.1", arch: "arm64", daemonVersion: "0.1.0" }),
];

function select(selector: string, hosts = fleet): string[] {
  return selectHosts(selector, hosts).map(({ name }) => name);
}

describe("a selector selects", () => {
  test.each<[string, string[]]>([
    ["all", ["web-1", "web-2", "db-1", "arch"]],
    ["  all\n", ["web-1", "web-2", "db-1", "arch"]],
    ["web-1", ["web-1"]],
    ["db-1, web-1", ["web-1", "db-1"]],
    ["db-1 web-1", ["web-1", "db-1"]],
    ["web-1,web-1,", ["web-1"]],
    ["arch", ["arch"]],
    ["online", ["web-1", "web-2", "arch"]],
    ["!online", ["db-1"]],
    ["labels.role == 'web'", ["web-1", "web-2"]],
    ["labels['role'] == 'db'", ["db-1"]],
    ["labels.role != 'web'", ["db-1"]],
    ["!(labels.role == 'web')", ["db-1"]],
    ["!has(labels.role) || labels.role != 'web'", ["db-1", "arch"]],
    ["!has(labels.role)", ["arch"]],
    ["has(labels.env)", ["web-1", "web-2"]],
    ["'role' in labels", ["web-1", "web-2", "db-1"]],
    ["labels.role == 'web' || distro == 'arch'", ["web-1", "web-2", "arch"]],
    ["labels.role.startsWith('w') && labels.env == 'prod'", ["web-1"]],
    ["labels.role in ['db', 'cache']", ["db-1"]],
    ["distro == 'debian' || 'debian' in distro_like", ["web-1", "web-2", "db-1"]],
    ["cpu_count >= 8", ["web-1", "db-1"]],
    ["memory_bytes > 8 * 1024 * 1024 * 1024", ["web-1"]],
    ["'apt' in capabilities", ["web-1"]],
    ["capabilities.exists(c, c == 'systemd')", ["web-1", "web-2"]],
    ["name.matches('^web-[0-9]+$')", ["web-1", "web-2"]],
    ["kernel.startsWith('6.') && arch == 'arm64' && os == 'linux'", ["arch"]],
    ["distro_version == '12' && daemon_version == '0.1.0'", ["arch"]],
    ["host_id.size() == 32 && online", ["web-1", "web-2", "arch"]],
  ])("%j", (selector, expected) => {
    expect(select(selector)).toEqual(expected);
  });
});

describe("a selector is refused", () => {
  test.each<[string, ErrorReason, Record<string, string>, RegExp]>([
    ["", ErrorReason.INVALID_ARGUMENT, { field: "selector" }, /empty.*write all/],
    [" \n", ErrorReason.INVALID_ARGUMENT, { field: "selector" }, /empty/],
    [
      "labels.role == 'web' &&",
      ErrorReason.SELECTOR_SYNTAX,
      { position: "21" },
      /position 21.*found &.*labels\.role == 'web'/,
    ],
    ["distro === 'debian'", ErrorReason.SELECTOR_SYNTAX, { position: "7" }, /position 7/],
    ["(((online", ErrorReason.SELECTOR_SYNTAX, { position: "9" }, /position 9/],
    ["name + 'x'", ErrorReason.SELECTOR_SYNTAX, { position: "0" }, /no boolean but text/],
    ["cpu_count * 2", ErrorReason.SELECTOR_SYNTAX, {}, /no boolean but a number/],
    ["name > 4", ErrorReason.SELECTOR_SYNTAX, { position: "4" }, /no matching overload/],
    ["name.frobnicate()", ErrorReason.SELECTOR_SYNTAX, {}, /frobnicate/],
    ["capabilities[99] == 'x'", ErrorReason.SELECTOR_SYNTAX, {}, /out of bounds/],
    ["true == true", ErrorReason.SELECTOR_SYNTAX, {}, /names no fact.*write all/],
    ["1 == 1", ErrorReason.SELECTOR_SYNTAX, {}, /names no fact/],
    [`${"(".repeat(2000)}online${")".repeat(2000)}`, ErrorReason.SELECTOR_SYNTAX, {}, /nested too deep/],
    [
      "capabilities.all(a, capabilities.all(b, capabilities.all(c, a == b && b == c)))",
      ErrorReason.SELECTOR_SYNTAX,
      {},
      /nested 3 deep/,
    ],
    [`online${" ||!online".repeat(400)}`, ErrorReason.SELECTOR_SYNTAX, {}, /has 1201 parts, the limit is 1000/],
    [`name == '${"x".repeat(5000)}'`, ErrorReason.TOO_LARGE, { limit: "4096" }, /limit is 4096/],
    ["name.matches('(a')", ErrorReason.INVALID_ARGUMENT, { field: "selector", rule: "re2" }, /RE2/],
    [String.raw`name.matches('(a)\\1')`, ErrorReason.INVALID_ARGUMENT, { rule: "re2" }, /RE2/],
    [
      "distribution == 'debian'",
      ErrorReason.UNKNOWN_FACT,
      { fact: "distribution", nearest: /distro/ as never },
      /position 0.*distro_version/,
    ],
    ["online && rol == 'web'", ErrorReason.UNKNOWN_FACT, { fact: "rol" }, /position 10/],
    ["distro == debian", ErrorReason.UNKNOWN_FACT, { fact: "debian" }, /Put text in quotes/],
    ["capabilities.exists(c, d == 'x')", ErrorReason.UNKNOWN_FACT, { fact: "d" }, /no fact/],
    ["web-3", ErrorReason.UNKNOWN_HOST, { host: "web-3", nearest: "web-1,web-2,db-1" }, /"web-3".*4.*nearest: web-1/],
    ["web-1, nope, nada", ErrorReason.UNKNOWN_HOST, { host: "nope,nada" }, /"nope", "nada"/],
    ["all, web-1", ErrorReason.UNKNOWN_HOST, { host: "all" }, /"all"/],
    ["distro", ErrorReason.UNKNOWN_HOST, { host: "distro" }, /is a fact: write a condition/],
    ["true", ErrorReason.UNKNOWN_HOST, { host: "true" }, /"true"/],
    [
      "labels.role == 'cache'",
      ErrorReason.NO_HOST_MATCHES,
      { selector: "labels.role == 'cache'" },
      /none of the 4 hosts/,
    ],
    ["labels.rolle == 'web'", ErrorReason.NO_HOST_MATCHES, {}, /no host has the label rolle; nearest labels: role/],
  ])("%j", (selector, reason, metadata, message) => {
    const error = failureOf(() => select(selector));
    const detail = errorDetailOf(error);
    expect(ErrorReason[detail.reason]).toBe(ErrorReason[reason]);
    for (const [key, value] of Object.entries(metadata)) {
      if ((value as unknown) instanceof RegExp) expect(detail.metadata[key]).toMatch(value);
      else expect(detail.metadata[key]).toBe(value);
    }
    expect(error.message).toMatch(message);
    expect(detail.remedy).not.toBe("");
  });

  test.each(["all", "online", "web-1"])("%j of an empty inventory", (selector) => {
    const error = failureOf(() => select(selector, []));
    expect(error.message).toMatch(/no host has attached yet/);
  });
});

test("a pattern that makes a backtracking engine explode costs RE2 next to nothing", () => {
  const hosts = [host("h", { labels: { text: `${"a".repeat(200)}!` } })];
  const began = performance.now();
  expect(() => select("labels.text.matches('^(a|a|aa)+$')", hosts)).toThrow(/none of the 1 hosts/);
  expect(performance.now() - began).toBeLessThan(200);
});

test("an expression that is too slow for the fleet is stopped and says how far it came", () => {
  const many = Array.from({ length: 20_000 }, (_, index) => host(`h-${index}`, { capabilities: manyCapabilities() }));
  const error = failureOf(() => select("capabilities.all(a, capabilities.all(b, a + b != 'x'))", many));
  expect(errorDetailOf(error).reason).toBe(ErrorReason.DEADLINE_EXCEEDED);
  expect(error.message).toMatch(/of 20000 hosts/);
});

test.each([
  "labels.role == 'web' && distro == 'debian' && online",
  "labels.missing == 'x' || cpu_count > 100",
  "name.matches('^web-(1|22|333)$') || 'systemd' in capabilities",
])("10,000 hosts are selected in well under 100 ms of CPU by %j", (selector) => {
  const hosts = Array.from({ length: 10_000 }, (_, index) =>
    host(`web-${index}`, {
      labels: { role: "web", env: "prod" },
      capabilities: ["systemd", "apt"],
      cpuCount: index % 128,
    }),
  );
  select(selector, hosts);
  const times = Array.from({ length: 5 }, () => {
    const began = process.cpuUsage();
    expect(select(selector, hosts).length).toBeGreaterThan(0);
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1000;
  });
  const median = times.sort((a, b) => a - b)[2] as number;
  console.log(`${selector}: median ${median.toFixed(1)} ms for 10,000 hosts`);
  expect(median).toBeLessThan(100);
});

function manyCapabilities(): string[] {
  return Array.from({ length: 64 }, (_, index) => `capability-${index}`);
}

function failureOf(action: () => unknown): ConnectError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectError);
    return error as ConnectError;
  }
  throw new Error("it did not fail");
}
