// Who calls. The one authenticator today is the local bearer token; other issuers join here.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createContextKey } from "@connectrpc/connect";
import { ErrorReason, failure } from "../shared/errors.js";

/** An authenticated caller. */
export interface Principal {
  /** Stable name, as it stands in plans, grants and audit: "local". */
  readonly name: string;
}

/** Tells who sends this Authorization header. Throws UNAUTHENTICATED. */
export type Authenticator = (authorization: string | null) => Principal;

/** Where handlers find the caller: `context.values.get(principalKey)`. */
export const principalKey = createContextKey<Principal>({ name: "" }, { description: "authenticated caller" });

/** Whoever can read the token file is the machine's owner, principal "local". */
export function localTokenAuthenticator(token: string): Authenticator {
  return tokenAuthenticator(token, { name: "local" });
}

/** Whoever sends this bearer token is this principal; nobody else is anybody. */
export function tokenAuthenticator(token: string, principal: Principal): Authenticator {
  const expected = Buffer.from(`Bearer ${token}`);
  return (authorization) => {
    const given = Buffer.from(authorization ?? "");
    if (given.length === expected.length && timingSafeEqual(given, expected)) return principal;
    throw failure(ErrorReason.UNAUTHENTICATED, given.length === 0 ? "no credential" : "the credential is not valid", {
      metadata: { scheme: "bearer" },
      remedy: "send the header Authorization: Bearer TOKEN with the token from the server's state directory",
    });
  };
}

/** Reads the token at this path, or makes one there, readable by the owner alone. */
export function loadOrCreateToken(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const token = randomBytes(32).toString("base64url");
  writeFileSync(path, `${token}\n`, { mode: 0o600, flag: "wx" });
  return token;
}
