// The broker of a benchmark: one Apache Kafka in its own process.
export interface BrokerProcess {
  /** "HOST:PORT". */
  readonly address: string;
  readonly pids: readonly number[];
  /** Stops it and starts it again on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startBroker(): Promise<BrokerProcess> {
  throw new Error("not yet");
}
