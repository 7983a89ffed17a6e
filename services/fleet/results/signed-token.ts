// Opaque tokens: what the control plane wants to be told again, unchanged, with a MAC over it.
import { createHmac, timingSafeEqual } from "node:crypto";

const macBytes = 16;

/** Base64url of a MAC and the JSON of the payload. `purpose` keeps tokens of one kind from being taken for another. */
export function sealToken(key: Uint8Array, purpose: string, payload: unknown): string {
  const body = Buffer.from(JSON.stringify(payload));
  return Buffer.concat([mac(key, purpose, body), body]).toString("base64url");
}

/** The payload of a token of this kind; undefined when the token was not made by sealToken with this key. */
export function openToken(key: Uint8Array, purpose: string, token: string): unknown {
  const bytes = Buffer.from(token, "base64url");
  const body = bytes.subarray(macBytes);
  if (body.length === 0 || !timingSafeEqual(bytes.subarray(0, macBytes), mac(key, purpose, body))) return undefined;
  return JSON.parse(body.toString());
}

function mac(key: Uint8Array, purpose: string, body: Uint8Array): Buffer {
  return createHmac("sha256", key).update(`${purpose}\0`).update(body).digest().subarray(0, macBytes);
}
