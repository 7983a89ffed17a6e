// Faults of Kafka's brokers.
import type { Kafka } from "../../../kafka/start-kafka.js";
import type { World } from "../world.js";
import type { Fault } from "./fault.js";

export const brokerFaults: readonly Fault[] = [
  {
    ...brokerFault("broker restart"),
    // It is down only for as long as an orderly restart takes.
    begin: (world, number) => onBroker(world, number, (kafka, broker) => kafka.restart(broker)),
    end: async () => undefined,
  },
  {
    ...brokerFault("broker kill"),
    begin: (world, number) => onBroker(world, number, (kafka, broker) => kafka.kill(broker)),
    end: (world, number) => onBroker(world, number, (kafka, broker) => kafka.restart(broker)),
  },
  {
    ...brokerFault("broker pause"),
    begin: (world, number) => onBroker(world, number, (kafka, broker) => kafka.pause(broker)),
    end: (world, number) => onBroker(world, number, (kafka, broker) => kafka.resume(broker)),
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

async function onBroker({ kafka }: World, number: number, act: (kafka: Kafka, broker: number) => Promise<void>) {
  if (!kafka) throw new Error("a world without Kafka has no brokers to break");
  await act(kafka, number % kafka.brokers.length);
}
