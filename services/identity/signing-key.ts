// Ed25519 keys of a fleet: the control plane signs with the private half, every daemon verifies with the public half.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ErrorReason, failure } from "../shared/errors.js";

/** Signs on behalf of a fleet. */
export interface SigningKey {
  readonly keyId: string;
  readonly verifyingKey: VerifyingKey;
  /** Ed25519 signature, 64 bytes, over the context, a zero byte and the data. */
  sign(context: string, data: Uint8Array): Uint8Array;
}

/** Checks what a fleet signed. */
export interface VerifyingKey {
  /** First 16 hexadecimal digits of the SHA-256 of the raw public key. */
  readonly keyId: string;
  /** PEM (SubjectPublicKeyInfo). */
  readonly pem: string;
  verify(context: string, data: Uint8Array, signature: Uint8Array): boolean;
}

/** Reads the key at this path, or makes it there, readable by the owner alone. */
export function loadOrCreateSigningKey(path: string): SigningKey {
  const pem = readIfPresent(path) ?? createKeyFile(path);
  return signingKey(createPrivateKey(pem));
}

/** A key that lives in memory alone. */
export function generateSigningKey(): SigningKey {
  return signingKey(generateKeyPairSync("ed25519").privateKey);
}

/** The public half from its PEM. INVALID_ARGUMENT when it is none of an Ed25519 key. */
export function verifyingKeyFromPem(pem: string): VerifyingKey {
  try {
    return verifyingKey(createPublicKey(pem));
  } catch (cause) {
    throw failure(ErrorReason.INVALID_ARGUMENT, `not the PEM of an Ed25519 public key: ${(cause as Error).message}`, {
      metadata: { field: "fleet key", rule: "pem" },
      remedy: "give the file fleet.pub of the control plane's state directory",
      cause,
    });
  }
}

function createKeyFile(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  writeFileSync(path, pem, { mode: 0o600, flag: "wx" });
  return pem;
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function signingKey(key: KeyObject): SigningKey {
  const publicHalf = verifyingKey(createPublicKey(key));
  return {
    keyId: publicHalf.keyId,
    verifyingKey: publicHalf,
    sign: (context, data) => sign(null, withContext(context, data), key),
  };
}

function verifyingKey(key: KeyObject): VerifyingKey {
  if (key.asymmetricKeyType !== "ed25519") throw new TypeError(`the key is ${key.asymmetricKeyType}, not ed25519`);
  const raw = key.export({ type: "spki", format: "der" }).subarray(-32);
  return {
    keyId: createHash("sha256").update(raw).digest("hex").slice(0, 16),
    pem: key.export({ type: "spki", format: "pem" }).toString(),
    verify: (context, data, signature) => verify(null, withContext(context, data), key, signature),
  };
}

function withContext(context: string, data: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${context}\0`), data]);
}
