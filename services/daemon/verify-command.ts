// What a daemon believes: nothing that the fleet did not sign for this very host. Steps in the order of the design, each with
// its own reason. Every host does this for every command, so that nothing here costs more than it must.
import { fromBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type Command,
  CommandSchema,
  type SignedCommand,
  SignedCommandSchema,
  type TargetProof,
} from "../gen/systemsmanager/bus/v1/command_pb.js";
import type { CommandDelivery } from "../gen/systemsmanager/relay/v1/relay_service_pb.js";
import { verifyCommandSignature } from "../identity/command-signature.js";
import type { VerifyingKey } from "../identity/signing-key.js";
import { verifyInclusion } from "../identity/target-tree.js";
import { ErrorReason, failure } from "../shared/errors.js";
import { validate } from "../shared/validation.js";

/** A delivery whose parts decode; nothing in it is trusted yet. */
export interface OpenedDelivery {
  readonly signed: SignedCommand;
  readonly command: Command;
  readonly proof: TargetProof | undefined;
}

/** Whose commands a host takes. */
export interface HostIdentity {
  readonly hostId: string;
  readonly fleetId: string;
  readonly verifyingKey: VerifyingKey;
}

// How far the control plane's clock may be ahead of the host's.
const clockSkewMs = 60_000;

/** Throws MALFORMED_ENVELOPE. Rules of the schema are left to the signature: what the fleet signed it has checked. */
export function openDelivery({ signed, proof }: CommandDelivery): OpenedDelivery {
  if (!signed) throw malformed("the delivery has no signed command");
  const command = decodeCommand(signed.command);
  if (!command.issuedAt || !command.expiresAt || command.action.case === undefined)
    throw malformed("the command lacks its times or its action");
  return { signed, command, proof };
}

/** What a refusal needs before it is sent: the command is whoever's word, and its ids travel on. Throws MALFORMED_ENVELOPE. */
export function validateUnsigned({ signed, command }: OpenedDelivery): void {
  try {
    validate(SignedCommandSchema, signed);
    validate(CommandSchema, command);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
}

function decodeCommand(bytes: Uint8Array): Command {
  try {
    return fromBinary(CommandSchema, bytes);
  } catch (cause) {
    throw malformed((cause as Error).message, cause);
  }
}

/** Throws BAD_SIGNATURE, WRONG_FLEET or NOT_A_TARGET. */
export function verifyOrigin({ signed, command, proof }: OpenedDelivery, identity: HostIdentity): void {
  if (!verifyCommandSignature(identity.verifyingKey, signed)) throw badSignature(signed, identity);
  if (command.fleetId !== identity.fleetId) throw wrongFleet(command, identity);
  const { targetRoot, targetCount } = command;
  if (!proof || !verifyInclusion(identity.hostId, targetRoot, targetCount, proof)) throw notATarget(command, identity);
}

/** Throws COMMAND_EXPIRED for a command that is past its expiry, or issued in the future beyond the clock skew allowed. */
export function verifyTime(command: Command, now: number): void {
  // Both are required by the schema.
  const issuedAt = command.issuedAt as Timestamp;
  const expiresAt = command.expiresAt as Timestamp;
  if (timestampMs(expiresAt) <= now)
    throw outOfTime(`expired at ${timestampDate(expiresAt).toISOString()}`, command, now);
  if (timestampMs(issuedAt) <= now + clockSkewMs) return;
  throw outOfTime(`was issued in the future, at ${timestampDate(issuedAt).toISOString()}`, command, now);
}

function malformed(detail: string, cause?: unknown) {
  return failure(ErrorReason.MALFORMED_ENVELOPE, `malformed command: ${detail}`, {
    metadata: { detail },
    remedy: "update the control plane and this daemon to the same version",
    cause,
  });
}

function badSignature(signed: SignedCommand, { verifyingKey }: HostIdentity) {
  return failure(ErrorReason.BAD_SIGNATURE, `the signature by key ${signed.keyId} does not verify`, {
    metadata: { key_id: signed.keyId },
    remedy: `sign with the fleet's key ${verifyingKey.keyId}, or give the daemon the fleet's public key`,
  });
}

function wrongFleet(command: Command, { fleetId }: HostIdentity) {
  return failure(ErrorReason.WRONG_FLEET, `the command is for fleet ${JSON.stringify(command.fleetId)}`, {
    metadata: { fleet_id: command.fleetId },
    remedy: `this host belongs to fleet ${JSON.stringify(fleetId)}`,
  });
}

function notATarget(command: Command, { hostId }: HostIdentity) {
  return failure(
    ErrorReason.NOT_A_TARGET,
    `host ${hostId} is not proven to be a target of command ${command.commandId}`,
    {
      metadata: { host_id: hostId },
      remedy: "select the host and send a new command",
    },
  );
}

function outOfTime(what: string, command: Command, now: number) {
  return failure(ErrorReason.COMMAND_EXPIRED, `command ${command.commandId} ${what}`, {
    metadata: {
      expires_at: timestampDate(command.expiresAt as Timestamp).toISOString(),
      now: new Date(now).toISOString(),
    },
    remedy: "send a new command, and compare the clocks of host and control plane",
  });
}
