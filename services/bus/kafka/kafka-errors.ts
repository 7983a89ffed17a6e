// kafkajs's errors as the product's own.
import { ConnectError } from "@connectrpc/connect";
import kafkajs from "kafkajs";
import { ErrorReason, failure } from "../../shared/errors.js";

// Node finds no named exports for these in kafkajs, which spreads them into its exports.
const { KafkaJSAggregateError, KafkaJSError, KafkaJSProtocolError } = kafkajs;

interface Meaning {
  readonly reason: ErrorReason;
  readonly remedy: string;
}

const denied: Meaning = {
  reason: ErrorReason.PERMISSION_DENIED,
  remedy: "give the broker user rights on topics and groups with the prefix systems-manager., as the README lists them",
};
const unauthenticated: Meaning = {
  reason: ErrorReason.UNAUTHENTICATED,
  remedy: "check user, password and SASL mechanism",
};
const tooLarge: Meaning = { reason: ErrorReason.TOO_LARGE, remedy: "raise max.message.bytes of the topic" };
const unreachable: Meaning = {
  reason: ErrorReason.UNREACHABLE,
  remedy: "check the brokers' addresses, TLS settings and that enough replicas are in sync",
};
const refusedSettings: Meaning = {
  reason: ErrorReason.INVALID_ARGUMENT,
  remedy: "create the topics with settings that the cluster's policy allows, or give another number of replicas",
};
const sharedGroup: Meaning = {
  reason: ErrorReason.INVALID_ARGUMENT,
  remedy: "give every subscriber of a fixed partition a group of its own",
};
const unforeseen: Meaning = { reason: ErrorReason.INTERNAL, remedy: "" };

const protocolErrors: Readonly<Record<string, Meaning>> = {
  TOPIC_AUTHORIZATION_FAILED: denied,
  GROUP_AUTHORIZATION_FAILED: denied,
  CLUSTER_AUTHORIZATION_FAILED: denied,
  SASL_AUTHENTICATION_FAILED: unauthenticated,
  UNSUPPORTED_SASL_MECHANISM: unauthenticated,
  ILLEGAL_SASL_STATE: unauthenticated,
  MESSAGE_TOO_LARGE: tooLarge,
  RECORD_LIST_TOO_LARGE: tooLarge,
  INVALID_REPLICATION_FACTOR: refusedSettings,
  INVALID_CONFIG: refusedSettings,
  POLICY_VIOLATION: refusedSettings,
  INCONSISTENT_GROUP_PROTOCOL: sharedGroup,
  // Of a topic that is being created, moved or was deleted.
  UNKNOWN_TOPIC_OR_PARTITION: unreachable,
  // A member that another instance of itself has replaced comes back by joining again.
  ILLEGAL_GENERATION: unreachable,
  UNKNOWN_MEMBER_ID: unreachable,
  REBALANCE_IN_PROGRESS: unreachable,
};

const errorNames: Readonly<Record<string, Meaning>> = {
  KafkaJSSASLAuthenticationError: unauthenticated,
  KafkaJSConnectionError: unreachable,
  KafkaJSConnectionClosedError: unreachable,
  KafkaJSRequestTimeoutError: unreachable,
  KafkaJSBrokerNotFound: unreachable,
  KafkaJSNoBrokerAvailableError: unreachable,
  KafkaJSGroupCoordinatorNotFound: unreachable,
  KafkaJSMetadataNotLoaded: unreachable,
  KafkaJSTopicMetadataNotLoaded: unreachable,
};

/** Says what failed and at which brokers; errors that are the product's own already stay as they are. */
export function kafkaFailure(what: string, brokers: readonly string[], error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const origin = originOf(error);
  const { reason, remedy } = meaningOf(origin);
  const address = brokers.join(",");
  const message = origin instanceof Error ? origin.message : String(origin);
  return failure(reason, `Kafka at ${address}: ${what}: ${message}`, {
    metadata: { address, operation: what },
    ...(remedy === "" ? {} : { remedy }),
    cause: error,
  });
}

// kafkajs wraps what happened into errors about retries.
function originOf(error: unknown): unknown {
  if (error instanceof KafkaJSAggregateError) return originOf(error.errors[0]);
  if (!(error instanceof KafkaJSError)) return error;
  if (error instanceof KafkaJSProtocolError || error.name in errorNames) return error;
  return error.cause === undefined ? error : originOf(error.cause);
}

function meaningOf(origin: unknown): Meaning {
  if (origin instanceof KafkaJSProtocolError) {
    return protocolErrors[origin.type] ?? (origin.retriable ? unreachable : unforeseen);
  }
  if (!(origin instanceof KafkaJSError)) return hasErrno(origin) ? unreachable : unforeseen;
  return errorNames[origin.name] ?? (origin.retriable ? unreachable : unforeseen);
}

function hasErrno(error: unknown): boolean {
  return error instanceof Error && "code" in error;
}
