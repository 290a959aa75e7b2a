import { sha256 } from "../hash.ts";
import type { Exchange, Reply, ReplyHeaders } from "./exchange.ts";

type Asked = Pick<Exchange, "header">;

/** An answer that its reader may keep, and asks for again by its entity tag. */
export interface Kept {
  readonly headers: ReplyHeaders & { readonly etag: string };
  readonly body: string;
}

/** A strong entity tag: another one for every other body (RFC 9110 §8.8.3). */
export function etagOf(body: string): string {
  return `"${sha256(body)}"`;
}

/**
 * An answer that is the same for everyone, with a lifetime (RFC 9111 §4.3).
 * @param maxAge Seconds.
 */
export function publicly(body: string, headers: ReplyHeaders, maxAge: number): Kept {
  return { headers: { ...headers, "cache-control": `public, max-age=${maxAge}`, etag: etagOf(body) }, body };
}

/** A 200, or a 304 without a body for who has it already (RFC 9110 §13.1.2, §15.4.5). */
export function conditional(exchange: Asked, { headers, body }: Kept): Reply {
  if (isKnown(exchange.header("if-none-match"), headers.etag)) return { status: 304, headers };
  return { status: 200, headers, body };
}

/** RFC 9110 §13.1.2: `*`, or any of the listed tags, compared weakly. */
function isKnown(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  return condition.trim() === "*" || condition.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
