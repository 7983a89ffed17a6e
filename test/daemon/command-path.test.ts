// Bus → relay → daemon → provider → bus, in one process over real loopback HTTP/2.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "vitest";
import { openBus } from "../../services/bus/open-bus.js";
import { startDaemon } from "../../services/daemon/start-daemon.js";
import { ReplyOutcome } from "../../services/gen/systemsmanager/bus/v1/host_pb.js";
import { GetSystemSnapshotResponseSchema } from "../../services/gen/systemsmanager/telemetry/v1/system_pb.js";
import { startRelay } from "../../services/relay/start-relay.js";
import { createLogger } from "../../services/shared/log.js";
import { fleetId, simulatedFleet, snapshotMethod } from "../relay/simulated-fleet.js";
import { simulatedProvider } from "./simulated-provider.js";

const log = createLogger("test");

test("a published command is answered", async () => {
  const bus = await openBus({ kind: "embedded" });
  const fleet = await simulatedFleet(bus);
  const relay = await startRelay({ bus, fleetId, listen: { host: "127.0.0.1", port: 0 }, log });
  const stateDirectory = mkdtempSync(join(tmpdir(), "daemon-"));
  const daemon = await startDaemon({
    provider: simulatedProvider("one"),
    relayUrls: [relay.url],
    fleetId,
    verifyingKey: fleet.key.verifyingKey,
    stateDirectory,
    name: "one",
    log,
  });
  await fleet.presenceOf(daemon.hostId, true);
  const t = performance.now();
  const command = await fleet.send([daemon.hostId], { method: snapshotMethod });
  const [reply] = await fleet.repliesTo(command);
  console.log(performance.now() - t);
  expect(reply?.outcome).toBe(ReplyOutcome.OK);
  expect(fromBinary(GetSystemSnapshotResponseSchema, reply?.body as Uint8Array).os?.hostname).toBe("one");
  await daemon.close();
  await fleet.presenceOf(daemon.hostId, false);
  await relay.close();
  await bus.close();
});
