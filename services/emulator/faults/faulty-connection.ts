// A connection on which commands and replies are lost, doubled, overtaken and late, and which keeps what a connection promises: a
// reply counts as taken only when the relay has taken it, in whatever order and however often it went.
import type { RelayConnection, RelayConnectionOptions } from "../../daemon/relay-connection.js";
import type { CommandDelivery } from "../../gen/systemsmanager/relay/v1/relay_service_pb.js";
import type { FaultyHost } from "./faulty-host.js";
import { createMessageFaults } from "./message-faults.js";
import { createTakenReplies } from "./taken-replies.js";

type Connect = (options: RelayConnectionOptions) => Promise<RelayConnection>;

/** Connects with the faults of the host around it. */
export async function connectWithFaults(
  options: RelayConnectionOptions,
  connect: Connect,
  host: FaultyHost,
): Promise<RelayConnection> {
  let open = true;
  const taken = createTakenReplies(options.onTaken);
  const down = createMessageFaults<CommandDelivery>(host, (delivery) => {
    if (open) options.onDelivery(delivery);
  });
  const connection = await connect({
    ...options,
    onDelivery: (delivery) => {
      if (host.happens(host.faults().drop)) host.counters.faultDrops++;
      else down(delivery);
    },
    onTaken: taken.confirm,
  });
  void connection.closed.then(() => {
    open = false;
  });
  const up = createMessageFaults<() => boolean>(host, (send) => {
    // A relay that does not keep up with late replies loses them with the connection, and gets them on the next one.
    if (open && !send()) connection.end(new Error("fault: the relay does not take what was delayed"));
  });
  return {
    ...connection,
    send(reply) {
      if (!open) return false;
      if (host.happens(host.faults().drop)) {
        host.counters.faultDrops++;
        connection.end(new Error("fault: a reply was lost with its connection"));
        return false;
      }
      const number = taken.begin();
      up(() => {
        const accepted = connection.send(reply);
        if (accepted) taken.sent(number);
        return accepted;
      });
      return true;
    },
  };
}
