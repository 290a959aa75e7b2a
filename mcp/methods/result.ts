import { VERSION } from "../../shared/version.ts";
import { SERVER_INFO } from "../protocol/envelope.ts";
import type { Era } from "../protocol/revisions.ts";

/** Who answers: in the handshake of legacy clients, in every result for modern ones. */
export const IMPLEMENTATION = { name: "portico", title: "Portico", version: VERSION };

/**
 * How long a client may keep an answer that seldom changes, and that the cache is the caller's own: what is listed may
 * come to depend on who asks (MCP 2026-07-28 server/utilities/caching). Milliseconds.
 */
const CACHE_HINTS = { ttlMs: 60_000, cacheScope: "private" };

/** A result in its era's dress, as JSON text. */
export function renderResult(era: Era, members: Readonly<Record<string, unknown>>): string {
  if (era === "legacy") return JSON.stringify(members);
  return JSON.stringify({ resultType: "complete", ...members, _meta: { [SERVER_INFO]: IMPLEMENTATION } });
}

/** The same, for an answer that clients may keep. */
export function renderCacheable(era: Era, members: Readonly<Record<string, unknown>>): string {
  return renderResult(era, era === "modern" ? { ...members, ...CACHE_HINTS } : members);
}
