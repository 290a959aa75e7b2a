/**
 * The two ways the protocol works. "modern" revisions are stateless and carry an envelope in every request; "legacy"
 * ones begin with an `initialize` handshake.
 */
export type Era = "modern" | "legacy";

/** Newest first. */
export const MODERN_REVISIONS = ["2026-07-28"] as const;
/** Newest first: the first is offered to a client that asks for one we do not know (MCP 2025-11-25 basic/lifecycle). */
export const LEGACY_REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** What a legacy request without a version header speaks (MCP 2025-11-25 basic/transports). */
export const ASSUMED_REVISION = "2025-03-26";
/** The one revision whose clients may send JSON-RPC batches. */
export const BATCH_REVISION = "2025-03-26";

export function isModernRevision(version: string): boolean {
  return (MODERN_REVISIONS as readonly string[]).includes(version);
}

export function isLegacyRevision(version: string): boolean {
  return (LEGACY_REVISIONS as readonly string[]).includes(version);
}

/** Whether a version belongs to the modern era, known to us or not: revisions are dates. */
export function namesModernEra(version: string | undefined): boolean {
  return version !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= "2026-07-28";
}
