// What comes down the attach stream: opened, verified, and only then run.
import type { Reply } from "../gen/systemsmanager/bus/v1/host_pb.js";
import type { CommandDelivery } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import type { Logger } from "../shared/log.js";
import { failedReply } from "../shared/reply.js";
import type { DaemonCounters } from "./daemon-counters.js";
import type { CommandRunner } from "./run-command.js";
import {
  type HostIdentity,
  type OpenedDelivery,
  openDelivery,
  validateUnsigned,
  verifyOrigin,
} from "./verify-command.js";

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
  const { commands, counters, log } = options;
  return (delivery) => {
    counters.deliveries++;
    try {
      const opened = openDelivery(delivery);
      const refusal = refusalOf(opened, options);
      if (refusal === undefined) void commands.run(opened.command, delivery.traceContext);
      else refuse(opened, refusal, options);
    } catch (error) {
      counters.malformed++;
      log.warn({ err: error }, "delivery refused");
    }
  };
}

function refusalOf(opened: OpenedDelivery, identity: HostIdentity): unknown {
  try {
    verifyOrigin(opened, identity);
    return undefined;
  } catch (error) {
    return error;
  }
}

function refuse(opened: OpenedDelivery, refusal: unknown, options: DeliveryHandlerOptions): void {
  const { hostId, send, counters, log, clock } = options;
  const { command } = opened;
  validateUnsigned(opened);
  counters.refused++;
  log.warn({ err: refusal, commandId: command.commandId }, "command refused");
  send(failedReply({ command, hostId, startedAtMs: clock(), clock }, refusal));
}
