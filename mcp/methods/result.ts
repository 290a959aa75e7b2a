import { VERSION } from "../../shared/version.ts";
import { SERVER_INFO } from "../protocol/envelope.ts";
import type { Era } from "../protocol/revisions.ts";

/** Who answers: in the handshake of legacy clients, in every result for modern ones. */
export const IMPLEMENTATION = { name: "portico", title: "Portico", version: VERSION };

/** Milliseconds for which a client may keep what seldom changes: clients that listen hear of a change at once. */
const LISTING_TTL = 60_000;

type Members = Readonly<Record<string, unknown>>;

const META = metaOf({});

/**
 * A result in its era's dress, as JSON text. `members` has no `_meta`.
 * @param meta Members of the `_meta`, beside the server's name.
 */
export function renderResult(era: Era, members: Members, meta?: Members): string {
  if (!meta) return renderResultText(era, JSON.stringify(members));
  if (era === "legacy") return JSON.stringify({ ...members, _meta: meta });
  return inModernDress("complete", JSON.stringify(members), metaOf(meta));
}

/** The same of members that are JSON text already, without a `_meta`. */
export function renderResultText(era: Era, members: string): string {
  return era === "legacy" ? members : inModernDress("complete", members, META);
}

/**
 * The same, for an answer that clients may keep, each for its own caller: what is listed or read may depend on who asks
 * (MCP 2026-07-28 server/utilities/caching).
 * @param ttlMs Milliseconds.
 */
export function renderCacheable(era: Era, members: Members, ttlMs = LISTING_TTL): string {
  return renderResult(era, era === "modern" ? { ...members, ttlMs, cacheScope: "private" } : members);
}

/** Asks a modern client to come again with answers (MCP 2026-07-28 basic/patterns/mrtr). */
export function renderInputRequired(inputRequests: Members, requestState: string): string {
  return inModernDress("input_required", JSON.stringify({ inputRequests, requestState }), META);
}

/** The handle of a task, to a modern client that knows tasks (SEP-2663 CreateTaskResult). */
export function renderTaskHandle(task: Members): string {
  return inModernDress("task", JSON.stringify(task), META);
}

/** @param members and @param meta JSON texts. */
function inModernDress(resultType: "complete" | "input_required" | "task", members: string, meta: string): string {
  return `{"resultType":"${resultType}",${membersOf(members)}"_meta":${meta}}`;
}

/** What stands between an object's braces, ready for a further member. */
function membersOf(object: string): string {
  return object === "{}" ? "" : `${object.slice(1, -1)},`;
}

function metaOf(members: Members): string {
  return JSON.stringify({ ...members, [SERVER_INFO]: IMPLEMENTATION });
}
