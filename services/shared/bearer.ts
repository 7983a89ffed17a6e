// A client's credential.
import type { Interceptor } from "@connectrpc/connect";

/** Sends this bearer token with every call. */
export function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
