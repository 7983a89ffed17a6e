// Tokens that continue a listing after the last item shown. They belong to one listing with its filters, and hold the last
// item's sort key, so that a page does not shift when items come or go before it.
import { createHash } from "node:crypto";
import { openToken, sealToken } from "./signed-token.js";
import { invalidHandle } from "./view.js";

const purpose = "page-token/v1";

interface PagePayload {
  readonly listing: string;
  readonly after: string;
}

/** Makes and reads the tokens of one listing. */
export interface Pager {
  /** The sort key to continue after; empty for the first page. Throws INVALID_HANDLE. */
  start(token: string): string;
  next(after: string): string;
}

/** `listing` is everything that decides which items are listed and in what order, for whom. */
export function pagerFor(key: Uint8Array, listing: readonly unknown[]): Pager {
  const fingerprint = createHash("sha256").update(JSON.stringify(listing)).digest("base64url").slice(0, 22);
  return {
    start: (token) => {
      if (token === "") return "";
      const payload = openToken(key, purpose, token) as PagePayload | undefined;
      if (payload?.listing !== fingerprint) throw invalidHandle(token, "does not belong to this listing", "page token");
      return payload.after;
    },
    next: (after) => sealToken(key, purpose, { listing: fingerprint, after } satisfies PagePayload),
  };
}
