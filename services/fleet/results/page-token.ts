// Tokens that continue a listing after the last item shown. They belong to one listing with its filters, and hold the last
// item's sort key, so that a page does not shift when items come or go before it.
import { openToken, sealToken } from "./signed-token.js";
import { invalidHandle } from "./view.js";

/** Makes and reads the tokens of one listing. */
export interface Pager {
  /** The sort key to continue after; empty for the first page. Throws INVALID_HANDLE. */
  start(token: string): string;
  next(after: string): string;
}

/** `listing` is everything that decides which items are listed and in what order, for whom. */
export function pagerFor(key: Uint8Array, listing: readonly unknown[]): Pager {
  const context = ["page-token/v1", JSON.stringify(listing)];
  return {
    start: (token) => {
      if (token === "") return "";
      const after = openToken(key, context, token);
      if (!after) throw invalidHandle(token, "does not belong to this listing", "page token");
      return after.toString();
    },
    next: (after) => sealToken(key, context, Buffer.from(after)),
  };
}
