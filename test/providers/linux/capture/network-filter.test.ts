// What a filter by port and by network lets through, and that it lets nothing else through.
import { afterAll, expect } from "vitest";
import type { CaptureFilter } from "../../../../services/providers/linux/capture/open-capture.js";
import { test } from "../require-tracing.js";
import { captureWhile, sumOf } from "./capture-under-test.js";
import { block4, block6, ipv4, ipv6, NetworkNamespace, networks, ofKind, otherIpv4 } from "./network-under-test.js";

const namespace = NetworkNamespace.alone();
afterAll(() => namespace.remove());

const targets = [
  [ipv4, 4301],
  [ipv4, 4302],
  [otherIpv4, 4301],
  [ipv6, 4301],
  [ipv6, 4302],
] as const;

// Nobody listens: each is refused. Local ports are far from those that are filtered.
namespace.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=20000 30000");
const script = (list: readonly (readonly [string, number])[]) => `
  (async () => {
    for (const [host, port] of ${JSON.stringify(list)}) {
      await new Promise((resolve) => net.connect(port, host).on("error", () => {}).on("close", resolve));
    }
    end();
  })();`;

test.each<[string, CaptureFilter, number[]]>([
  ["no port and the whole networks", { networks }, [0, 1, 2, 3, 4]],
  ["a port", { ports: [4302] }, [1, 4]],
  ["two ports", { ports: [4301, 4302], networks }, [0, 1, 2, 3, 4]],
  ["a network of IPv4", { networks: [`${block4}.128/25`] }, [2]],
  ["an address", { networks: [ipv4] }, [0, 1]],
  ["a network of IPv6", { networks: [`${block6}::/64`] }, [3, 4]],
  ["all of IPv6, which has nothing of IPv4", { networks: ["::/0"], ports: [4301, 4302] }, [3, 4]],
  ["all of IPv4, which has nothing of IPv6", { networks: ["0.0.0.0/0"], ports: [4301, 4302] }, [0, 1, 2]],
  ["a network within another one", { networks: [`${block4}.0/24`, `${block4}.128/25`] }, [0, 1, 2]],
  ["a port and a network, which must both hold", { ports: [4301], networks: [`${block4}.0/25`] }, [0]],
  ["a name of a process that there is none of", { networks, comms: ["nobody"] }, []],
])("%s", async (_what, filter, passing) => {
  const { events, accounts } = await captureWhile({ kinds: ["tcpConnect"], filter }, () =>
    namespace.start(script(targets)).ended(),
  );
  const seen = ofKind(events, "tcpConnect").map(({ remote }) => [remote.address, remote.port]);
  expect(seen).toEqual(passing.map((index) => [...(targets[index] ?? [])]));
  expect(events).toHaveLength(passing.length);
  expect(accounts.tcpConnect.submitted).toBe(passing.length);
  expect(accounts.tcpConnect.filtered).toBeGreaterThanOrEqual(targets.length - passing.length);
  expect(accounts.tcpConnect.attempted).toBe(sumOf(accounts.tcpConnect));
});

test("ports and networks can be changed while the capture runs", async () => {
  const { events } = await captureWhile({ kinds: ["tcpConnect"], filter: { ports: [4301] } }, async (capture) => {
    await namespace.start(script(targets)).ended();
    capture.setFilter({ networks: [otherIpv4] });
    await namespace.start(script(targets)).ended();
  });
  const seen = ofKind(events, "tcpConnect").map(({ remote }) => remote.address);
  expect(seen).toEqual([ipv4, otherIpv4, ipv6, otherIpv4]);
});

test.each([
  "10.0.0.0/33",
  "2001:db8::/129",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0/8",
  "fe80::1%eth0/64",
  "example.com",
  "",
])("%j is refused in words that say what to write", async (network) => {
  const opened = captureWhile({ kinds: ["tcpConnect"], filter: { networks: [network] } }, () => undefined);
  await expect(opened).rejects.toThrow(`${JSON.stringify(network)} is no network; write an address`);
});

test.each([0, -1, 65_536, 1.5, Number.NaN])("port %d is refused in words that say what to give", async (port) => {
  const opened = captureWhile({ kinds: ["tcpConnect"], filter: { ports: [port] } }, () => undefined);
  await expect(opened).rejects.toThrow(`${port} is no port; give a number from 1 to 65535`);
});
