import { createHash } from "node:crypto";
import type { Exchange, Reply } from "./exchange.ts";

/**
 * Lets a reply be kept: gives it an entity tag and a lifetime, and answers 304 without a body to who has it already
 * (RFC 9110 §8.8.3, §13.1.2; RFC 9111 §4.3).
 * @param maxAge Seconds.
 */
export function cached(exchange: Pick<Exchange, "header">, reply: Reply, maxAge: number): Reply {
  const etag = `"${createHash("sha256")
    .update(reply.body ?? "")
    .digest("base64url")
    .slice(0, 27)}"`;
  const kept = { "cache-control": `public, max-age=${maxAge}`, etag };
  if (isKnown(exchange.header("if-none-match"), etag)) return { status: 304, headers: kept };
  return { ...reply, headers: { ...reply.headers, ...kept } };
}

/** RFC 9110 §13.1.2: `*`, or any of the listed tags, compared weakly. */
function isKnown(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  return condition.trim() === "*" || condition.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
