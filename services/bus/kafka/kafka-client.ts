// How kafkajs is set up: who it is, how it reaches brokers, and where its words go.
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type ISocketFactory, Kafka, type KafkaConfig, type LogEntry, logLevel, type SASLOptions } from "kafkajs";
import type { Logger } from "../../shared/log.js";
import { slowIdleTimers } from "./idle-timers.js";
import type { KafkaBusOptions } from "./kafka-options.js";

const connectionTimeoutMs = 3_000;
// A broker that holds its connection and says nothing is taken for gone after this.
const requestTimeoutMs = 8_000;
const keepAliveMs = 60_000;

export interface KafkaClient {
  readonly kafka: Kafka;
  /** Cuts every connection that is left, and those that are still to come: a consumer that failed as it began may keep some for ever. */
  cut(): void;
}

/** A client that has not dialled yet. Retries are short: queues and subscriptions above it have the longer patience. */
export function createKafkaClient(options: KafkaBusOptions): KafkaClient {
  const { brokers, clientId = "systems-manager", log } = options;
  slowIdleTimers();
  const sockets = new Set<Socket>();
  let isCut = false;
  const kafka = new Kafka({
    clientId,
    brokers: [...brokers],
    connectionTimeout: connectionTimeoutMs,
    authenticationTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 },
    socketFactory(address) {
      const socket = openSocket(address);
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      if (isCut) socket.destroy();
      return socket;
    },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => writeLog(log, entry),
    ...securityOf(options),
  });
  return {
    kafka,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function securityOf({ tls, sasl }: KafkaBusOptions): Partial<KafkaConfig> {
  const ssl = tls && { ...tls, ...(tls.ca === undefined ? {} : { ca: [tls.ca] }) };
  return { ...(ssl ? { ssl } : {}), ...(sasl ? { sasl: sasl as SASLOptions } : {}) };
}

// Requests are small and waited for: each goes out at once.
function openSocket({ host, port, ssl, onConnect }: Parameters<ISocketFactory>[0]): Socket {
  const servername = isIP(host) ? {} : { servername: host };
  const socket = ssl
    ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  return socket;
}

// What kafkajs calls an error is often the first of some tries; what comes to a bad end is logged where it ends.
function writeLog(log: Logger, { level, namespace, log: entry }: LogEntry): void {
  const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } = entry;
  const severity = level === logLevel.ERROR ? "warn" : "debug";
  log[severity]({ namespace, ...details }, `kafkajs: ${message}`);
}
