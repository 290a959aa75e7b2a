import { LRUCache } from "lru-cache";
import { mayUse } from "../../shared/capabilities/access.ts";
import type { Access, Caller } from "../../shared/capabilities/capability.ts";
import type { Catalog } from "../../shared/capabilities/offer.ts";
import type { Config } from "../../shared/config.ts";
import type { Service } from "../../shared/service.ts";
import { McpError } from "../protocol/errors.ts";
import type { Era } from "../protocol/revisions.ts";
import type { MethodHandler } from "./call.ts";
import { renderCacheable } from "./result.ts";

/** Items a page. */
const PAGE_SIZE = 100;
/** Sets of scopes whose lists are kept rendered. */
const MAX_SETS = 50;

export interface ListingOptions<T> {
  /** The result's member that holds the items. */
  readonly member: string;
  /** In the order they are listed. */
  readonly itemsOf: (catalog: Catalog) => readonly T[];
  readonly accessOf: (item: T) => Access;
  /** What tells an item from the others. */
  readonly keyOf: (item: T) => string;
  /** The item as it is listed. */
  readonly render: (item: T, config: Config) => object;
}

/** One page in both eras. */
type Page = Readonly<Record<Era, Buffer>>;

/** The page that a cursor stands for; "" is the first one's. */
type Pages = (cursor: string) => Page | undefined;

/**
 * Answers a list method. All pages are rendered beforehand, for both eras, once for each change of what is offered. A
 * cursor means "after this item", so that it is good at every replica (MCP 2026-07-28 server/utilities/pagination). What
 * is listed depends on the caller's scopes only where the configuration says so.
 */
export function createListing<T>(options: ListingOptions<T>): MethodHandler {
  const prepare = (service: Service) => preparePages(options, service);
  return ({ era, params, caller, service }) => {
    const { cursor = "" } = params;
    const page = typeof cursor === "string" ? service.derived(prepare)(caller)(cursor) : undefined;
    if (!page) throw new McpError("invalid_params", "The cursor is not one of this list's.");
    return page[era];
  };
}

function preparePages<T>(options: ListingOptions<T>, { registry, config }: Service): (caller: Caller | undefined) => Pages {
  const { catalog } = registry;
  const items = options.itemsOf(catalog);
  const all = renderPages(items, options, config);
  if (config.mcp.listed === "all") return () => all;
  const granted = new LRUCache<string, Pages>({ max: MAX_SETS });
  return (caller) => {
    // A stranger has no scopes yet: he sees what signing in could give him.
    if (!caller) return all;
    const scopes = catalog.scopes.filter((scope) => caller.scopes.has(scope)).join(" ");
    const known = granted.get(scopes);
    if (known) return known;
    const visible = items.filter((item) => mayUse(options.accessOf(item), caller));
    const pages = renderPages(visible, options, config);
    granted.set(scopes, pages);
    return pages;
  };
}

function renderPages<T>(items: readonly T[], { member, keyOf, render }: ListingOptions<T>, config: Config): Pages {
  const cursorOf = (item: T) => Buffer.from(keyOf(item)).toString("base64url");
  const renderPage = (start: number): Page => {
    const page = items.slice(start, start + PAGE_SIZE);
    const last = page.at(-1);
    const nextCursor = last !== undefined && start + PAGE_SIZE < items.length ? cursorOf(last) : undefined;
    const members = { [member]: page.map((item) => render(item, config)), nextCursor };
    return { modern: Buffer.from(renderCacheable("modern", members)), legacy: Buffer.from(renderCacheable("legacy", members)) };
  };
  const pages = new Map([["", renderPage(0)]]);
  for (let start = PAGE_SIZE; start < items.length; start += PAGE_SIZE) {
    const before = items[start - 1];
    if (before !== undefined) pages.set(cursorOf(before), renderPage(start));
  }
  return (cursor) => {
    const known = pages.get(cursor);
    if (known) return known;
    // Given out before the list changed.
    const index = items.findIndex((item) => cursorOf(item) === cursor);
    return index < 0 ? undefined : renderPage(index + 1);
  };
}
