// What comes down the attach stream: opened, verified, and only then run.
import type { Reply } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { CommandDelivery } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import type { Logger } from "../shared/log.js";
import { failedReply } from "../shared/reply.js";
import type { DaemonCounters } from "./daemon-counters.js";
import type { CommandRunner } from "./run-command.js";
import { type HostIdentity, type OpenedDelivery, openDelivery, verifyOrigin } from "./verify-command.js";

export interface DeliveryHandlerOptions extends HostIdentity {
  readonly commands: CommandRunner;
  readonly send: (reply: Reply) => void;
  readonly counters: DaemonCounters;
  readonly log: Logger;
  /** The host's clock. */
  readonly clock: () => number;
}

/** Never throws: a delivery that cannot be believed is counted, and answered when it says whom to answer. */
export function createDeliveryHandler(options: DeliveryHandlerOptions): (delivery: CommandDelivery) => void {
  const { hostId, commands, send, counters, log, clock } = options;
  return (delivery) => {
    counters.deliveries++;
    let opened: OpenedDelivery;
    try {
      opened = openDelivery(delivery);
    } catch (error) {
      counters.malformed++;
      log.warn({ err: error }, "delivery refused");
      return;
    }
    try {
      verifyOrigin(opened, options);
    } catch (error) {
      counters.refused++;
      log.warn({ err: error, commandId: opened.command.commandId }, "command refused");
      send(failedReply({ command: opened.command, hostId, startedAtMs: clock(), clock }, error));
      return;
    }
    void commands.run(opened.command, delivery.traceContext);
  };
}
