// The scenarios of five hosts again over a real Kafka and two relay processes, and what only these can show.
import { expect, test } from "vitest";
import { projectBinds, startHosts } from "../hosts/hosts.js";
import { startKafka } from "../kafka/start-kafka.js";
import { type CommandProcess, relayUrlOf, startCommand } from "./command-process.js";
import { startControlPlane } from "./control-plane.js";
import { type FiveHosts, hostNames, hostSpecs, startDaemons, waitForHosts } from "./five-hosts.js";
import { expectAccounting, testFiveHosts } from "./five-hosts-scenarios.js";

let relays: CommandProcess[] = [];

async function startOverKafka(): Promise<FiveHosts> {
  const [kafka, hosts] = await Promise.all([startKafka(), startHosts([...hostSpecs], { binds: projectBinds() })]);
  const bus = ["--kafka", kafka.brokers.join(",")];
  const controlPlane = await startControlPlane(hosts.outerAddress, ["--no-daemon", "--no-relay", ...bus]);
  relays = [1, 2].map(() => startCommand(["relay", ...bus, "--listen", `${hosts.outerAddress}:0`]));
  const fleet = await startDaemons({ hosts, controlPlane, relayUrls: await Promise.all(relays.map(relayUrlOf)) });
  return {
    ...fleet,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(relays.map((relay) => relay.stop("SIGTERM")));
      await fleet[Symbol.asyncDispose]();
      await kafka.stop();
    },
  };
}

testFiveHosts("five real hosts over Kafka and two relays", startOverKafka, (running) => {
  test("a relay that dies hands its hosts to the other, and all five answer", async () => {
    const { client } = running();
    await relays[0]?.stop("SIGKILL");
    await waitForHosts(client, hostNames);
    const answer = await client.call("capture_system_snapshot", { selector: "all" });
    expectAccounting(answer, { targeted: 5, ok: 5 });
    expect(answer.text).toContain("5 ok");
  });
});
