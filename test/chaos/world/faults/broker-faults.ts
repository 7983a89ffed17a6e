// Faults of Kafka's brokers.
import type { World } from "../world.js";
import type { Fault } from "./fault.js";

export const brokerFaults: readonly Fault[] = [
  {
    ...brokerFault("broker restart"),
    // It is down only for as long as an orderly restart takes.
    begin: ({ kafka }, number) => kafka.restart(number % kafka.brokers.length),
    end: async () => undefined,
  },
  {
    ...brokerFault("broker kill"),
    begin: ({ kafka }, number) => kafka.kill(number % kafka.brokers.length),
    end: ({ kafka }, number) => kafka.restart(number % kafka.brokers.length),
  },
  {
    ...brokerFault("broker pause"),
    begin: ({ kafka }, number) => kafka.pause(number % kafka.brokers.length),
    end: ({ kafka }, number) => kafka.resume(number % kafka.brokers.length),
  },
];

function brokerFault<Kind extends Fault["kind"]>(kind: Kind) {
  return {
    kind,
    excuses: "late answers",
    hosts: ({ hosts }: World) => hosts,
    // A restart waits until the whole cluster is ready, so there is one such fault at a time.
    target: () => "brokers",
  } as const;
}
