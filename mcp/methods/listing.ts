import { McpError } from "../protocol/errors.ts";
import type { Era } from "../protocol/revisions.ts";
import type { MethodHandler } from "./call.ts";
import { renderCacheable } from "./result.ts";

/** Items a page. */
const PAGE_SIZE = 100;

export interface ListingOptions<T> {
  /** The result's member that holds the items. */
  readonly member: string;
  /** In the order they are listed. */
  readonly items: readonly T[];
  /** What tells an item from the others. */
  readonly keyOf: (item: T) => string;
}

/**
 * Answers a list method. All pages are rendered beforehand, for both eras. A cursor means "after this item", so that it
 * is good at every replica (MCP 2026-07-28 server/utilities/pagination); the empty one means the start.
 */
export function createListing<T>({ member, items, keyOf }: ListingOptions<T>): MethodHandler {
  const pages = new Map<string, Readonly<Record<Era, string>>>();
  let cursor = "";
  for (let start = 0; start === 0 || start < items.length; start += PAGE_SIZE) {
    const page = items.slice(start, start + PAGE_SIZE);
    const last = page.at(-1);
    const next = last !== undefined && start + PAGE_SIZE < items.length ? Buffer.from(keyOf(last)).toString("base64url") : undefined;
    const members = { [member]: page, nextCursor: next };
    pages.set(cursor, { modern: renderCacheable("modern", members), legacy: renderCacheable("legacy", members) });
    cursor = next ?? "";
  }

  return ({ era, params }) => {
    const { cursor: wanted = "" } = params;
    const page = typeof wanted === "string" ? pages.get(wanted) : undefined;
    if (!page) throw new McpError("invalid_params", "The cursor is not one of this list's.");
    return page[era];
  };
}
