// Puts the authenticated caller where handlers find it.
import type { Interceptor } from "@connectrpc/connect";
import { type Authenticator, principalKey } from "./principal.js";

/** Throws UNAUTHENTICATED before the handler runs, or sets `principalKey` in the request's context values. */
export function authenticateRequests(authenticator: Authenticator): Interceptor {
  return (next) => (request) => {
    request.contextValues.set(principalKey, authenticator(request.header.get("authorization")));
    return next(request);
  };
}
