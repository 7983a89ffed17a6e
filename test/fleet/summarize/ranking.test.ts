import { describe, expect, test } from "vitest";
import { ActiveState, LoadState } from "../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import { type Answers, summarizeAnswers } from "./answers.js";

function service(name: string, over: Record<string, unknown> = {}) {
  const healthy = { activeState: ActiveState.ACTIVE, subState: "running", enabledState: "enabled", result: "success" };
  return { name, loadState: LoadState.LOADED, ...healthy, ...over };
}

function fleetOf(count: number, answer: (index: number) => Record<string, unknown>): Answers {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`host-${String(index).padStart(5, "0")}`, answer(index)]),
  );
}

function deviationsOf(text: string): string[] {
  const lines = text.split("\n");
  const rest = lines.slice(lines.indexOf("Deviations:") + 1);
  return lines.includes("Deviations:")
    ? rest.slice(
        0,
        rest.findIndex((line) => /^[A-Z][a-z ]+:$/.test(line)),
      )
    : [];
}

const failed = { activeState: ActiveState.FAILED, subState: "failed" };

describe("deviations", () => {
  test.each([5, 100, 2_000])("a service that failed on 1 of %i comes first, before a large minority", (count) => {
    const summary = summarizeAnswers(
      "ListServices",
      fleetOf(count, (index) => ({
        services: [
          service("a.service", index % 5 < 2 ? { enabledState: "disabled" } : {}),
          service("b.service", index === 3 ? failed : {}),
        ],
      })),
    );
    const [first, second] = deviationsOf(summary.text);
    expect(first).toBe(
      "services b.service on host-00003: active_state failed (others active), sub_state failed (others running)",
    );
    expect(second).toContain("services a.service on host-00000");
    expect(summary.deviations[0]).toMatchObject({ path: "services.active_state", key: "b.service", value: "failed" });
  });

  test("a row that one host lacks names that host; so does a row that only one host has", () => {
    const summary = summarizeAnswers(
      "ListServices",
      fleetOf(50, (index) => ({
        services: [
          service("a.service"),
          ...(index === 7 ? [service("x.service")] : []),
          ...(index === 9 ? [] : [service("b.service")]),
        ],
      })),
    );
    expect(deviationsOf(summary.text).sort()).toEqual([
      "services missing on host-00009: b.service",
      "services only on host-00007: x.service: load_state loaded, active_state active, sub_state running, enabled_state enabled, result success",
    ]);
    const byKey = Object.fromEntries(summary.deviations.map((finding) => [finding.key, finding]));
    const base = { path: "services", hostCount: 1, ofHosts: 50 };
    expect(byKey).toMatchObject({
      "x.service": { ...base, value: "present", absent: false, hosts: ["host-00007"], majorityValue: "absent" },
      "b.service": { ...base, value: "", absent: true, hosts: ["host-00009"], majorityValue: "present" },
    });
  });

  test("rows that a list does not promise are no deviations when missing", () => {
    const summary = summarizeAnswers(
      "ListProcesses",
      fleetOf(5, (index) => ({ processes: [{ name: `only-${index}`, user: "root" }] })),
    );
    expect(summary.deviations).toEqual([]);
  });

  test("70 distinct versions on 10,000 hosts are one readable line, the rarest named", () => {
    const summary = summarizeAnswers(
      "GetSystemSnapshot",
      fleetOf(10_000, (index) => {
        const version = index === 4_321 ? "9.9.9" : index % 10 < 6 ? "6.1.0" : `5.${index % 69}.0`;
        return { os: { kernelRelease: version, arch: "x64" } };
      }),
    );
    const lines = deviationsOf(summary.text).filter((line) => line.includes("kernel_release"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("os.kernel_release: 70 other values, most 6.1.0");
    expect(lines[0]).toContain("9.9.9 on host-04321");
  });

  test("a fleet without a majority tells the most frequent values and the one that hardly anybody has", () => {
    const summary = summarizeAnswers(
      "GetSystemSnapshot",
      fleetOf(1_000, (index) => ({ os: { kernelRelease: index === 5 ? "odd" : `6.${index % 4}` } })),
    );
    expect(summary.text).toContain(
      "os.kernel_release on 1,000 hosts, no majority among 5 values: 6.0 on 250, 6.2 on 250",
    );
    expect(deviationsOf(summary.text)).toContain("host-00005: os.kernel_release odd");
  });

  test("a tie has no majority and no deviation", () => {
    const summary = summarizeAnswers(
      "GetSystemSnapshot",
      fleetOf(4, (index) => ({ os: { kernelRelease: index < 2 ? "6.1" : "6.2" } })),
    );
    expect(summary.text).toContain("os.kernel_release on 4 hosts, no majority among 2 values: 6.1 on 2, 6.2 on 2");
    expect(summary.deviations).toEqual([]);
  });

  test("values that all differ say so", () => {
    const summary = summarizeAnswers(
      "GetSystemSnapshot",
      fleetOf(3, (index) => ({ os: { kernelRelease: `6.${index}` } })),
    );
    expect(summary.text).toContain(
      "os.kernel_release on 3 hosts, all different: 6.0 on host-00000, 6.1 on host-00001, 6.2 on host-00002",
    );
  });

  test("an untrusted name cannot raise itself by a word of trouble", () => {
    const listener = (port: number, name: string) => ({
      protocol: 1,
      address: "::",
      port,
      holders: [{ name, user: "root" }],
    });
    const summary = summarizeAnswers(
      "ListSockets",
      fleetOf(20, (index) => ({
        listeners: [listener(80, index === 3 ? "failed" : "nginx"), listener(22, index < 8 ? "dropbear" : "sshd")],
      })),
    );
    expect(deviationsOf(summary.text)[0]).toContain('"dropbear"');
  });

  test("rows that every host has of its own do not hide one that only one host has", () => {
    const listener = (path: string) => ({ protocol: 3, path, holders: [{ name: "a", user: "root" }] });
    const summary = summarizeAnswers(
      "ListSockets",
      fleetOf(500, (index) => ({
        listeners: [
          ...Array.from({ length: 10 }, (_, row) => listener(`/run/u/${String(index * 10 + row).padStart(8, "0")}`)),
          ...(index === 123 ? [listener("/tmp/backdoor")] : []),
        ],
      })),
    );
    const [first, second, ...more] = deviationsOf(summary.text);
    expect(first).toBe('listeners only on host-00123: unix "/tmp/backdoor": holders.name "a", holders.user root');
    expect(second).toMatch(/^listeners, 5,000 rows on one host each, such as unix "\/run\/u\/\d{8}" on host-\d{5}, /);
    expect(more).toEqual([]);
  });

  test("many rows of one kind on the same hosts do not hide another deviation", () => {
    const summary = summarizeAnswers(
      "ListPackages",
      fleetOf(5, (index) => ({
        packages: [
          { name: "openssl", version: index === 1 ? "0.9" : "3.0" },
          ...Array.from({ length: index === 2 ? 3_000 : 0 }, (_, row) => ({
            name: `extra-${row}`,
            version: `1.${row}`,
          })),
        ],
      })),
    );
    expect(summary.text).toContain("packages only on host-00002, 3,000 rows:");
    expect(summary.text).toContain("packages openssl on host-00001: version 0.9 (others 3.0)");
    const told = summary.text.match(/extra-\d+/g)?.length ?? 0;
    expect(told).toBeGreaterThan(0);
    expect(summary.text).toContain(`and ${(3_000 - told).toLocaleString("en-US")} more`);
  });
});
