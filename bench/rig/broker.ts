// The broker of a benchmark: one Apache Kafka in a process of its own, or the cluster that KAFKA_BROKERS names.
import { type Kafka, startKafka } from "../../test/kafka/start-kafka.js";

const heapMb = 1024;

/** Ends with the benchmark, however that ends. */
export function startBroker(): Promise<Kafka> {
  return startKafka({ heapMb, lasting: true });
}
