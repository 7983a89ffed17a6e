// Opaque tokens: what the control plane wants to be told again, unchanged, with a MAC over it. They are short, because a
// language model reads them.
import { createHmac, timingSafeEqual } from "node:crypto";

const macBytes = 12;

/** Base64url of a MAC and the payload. `context` is what the token is bound to without saying it: its kind, its principal. */
export function sealToken(key: Uint8Array, context: readonly string[], payload: Uint8Array): string {
  return Buffer.concat([mac(key, context, payload), payload]).toString("base64url");
}

/** The payload; undefined when the token was not made by sealToken with this key and context. */
export function openToken(key: Uint8Array, context: readonly string[], token: string): Buffer | undefined {
  const bytes = Buffer.from(token, "base64url");
  if (bytes.length <= macBytes) return undefined;
  const payload = bytes.subarray(macBytes);
  return timingSafeEqual(bytes.subarray(0, macBytes), mac(key, context, payload)) ? payload : undefined;
}

function mac(key: Uint8Array, context: readonly string[], payload: Uint8Array): Buffer {
  const hmac = createHmac("sha256", key)
    .update(`${JSON.stringify(context)}\0`)
    .update(payload);
  return hmac.digest().subarray(0, macBytes);
}
