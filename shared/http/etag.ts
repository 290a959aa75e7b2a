import { createHash } from "node:crypto";
import type { Exchange, Reply, ReplyHeaders } from "./exchange.ts";

type Asked = Pick<Exchange, "header">;

/** A strong entity tag: another one for every other body (RFC 9110 §8.8.3). */
export function etagOf(body: string | Uint8Array): string {
  return `"${createHash("sha256").update(body).digest("base64url")}"`;
}

/** A 200, or a 304 without a body for who has it already (RFC 9110 §13.1.2, §15.4.5). `headers` has the `etag`. */
export function conditional(exchange: Asked, headers: ReplyHeaders & { readonly etag: string }, body: string): Reply {
  if (isKnown(exchange.header("if-none-match"), headers.etag)) return { status: 304, headers };
  return { status: 200, headers, body };
}

/**
 * Lets a reply that is the same for everyone be kept: gives it an entity tag and a lifetime, and answers 304 to who has
 * it already (RFC 9111 §4.3).
 * @param maxAge Seconds.
 */
export function cached(exchange: Asked, reply: Reply, maxAge: number): Reply {
  const etag = etagOf(reply.body ?? "");
  const kept = { "cache-control": `public, max-age=${maxAge}`, etag };
  if (isKnown(exchange.header("if-none-match"), etag)) return { status: 304, headers: kept };
  return { ...reply, headers: { ...reply.headers, ...kept } };
}

/** RFC 9110 §13.1.2: `*`, or any of the listed tags, compared weakly. */
function isKnown(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  return condition.trim() === "*" || condition.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
