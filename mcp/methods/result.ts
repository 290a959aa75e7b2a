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
  if (!meta) return renderResultText(era, membersText(members));
  if (era === "legacy") return JSON.stringify({ ...members, _meta: meta });
  return inModernDress("complete", membersText(members), metaOf(meta));
}

/** The same of members that are JSON text already: as they stand between an object's braces. */
export function renderResultText(era: Era, members: string): string {
  return era === "legacy" ? `{${members}}` : inModernDress("complete", members, META);
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
  return inModernDress("input_required", membersText({ inputRequests, requestState }), META);
}

/** The handle of a task, to a modern client that knows tasks (SEP-2663 CreateTaskResult). */
export function renderTaskHandle(task: Members): string {
  return inModernDress("task", membersText(task), META);
}

/** @param members Between their braces. @param meta With its own. */
function inModernDress(resultType: "complete" | "input_required" | "task", members: string, meta: string): string {
  return `{"resultType":"${resultType}",${members}${members && ","}"_meta":${meta}}`;
}

/** What stands between the braces of an object's JSON text. */
function membersText(members: Members): string {
  return JSON.stringify(members).slice(1, -1);
}

function metaOf(members: Members): string {
  return JSON.stringify({ ...members, [SERVER_INFO]: IMPLEMENTATION });
}
