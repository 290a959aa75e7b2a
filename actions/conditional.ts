import { sha256 } from "../shared/hash.ts";
import type { Exchange, Reply, ReplyHeaders } from "../shared/http/exchange.ts";

/** A strong entity tag: another one for every other body (RFC 9110 §8.8.3). */
export function etagOf(body: string): string {
  return `"${sha256(body)}"`;
}

/** A 200, or a 304 without a body for who has it already (RFC 9110 §13.1.2, §15.4.5). `headers` has the `etag`. */
export function conditional(exchange: Pick<Exchange, "header">, headers: ReplyHeaders & { readonly etag: string }, body: string): Reply {
  if (isKnown(exchange.header("if-none-match"), headers.etag)) return { status: 304, headers };
  return { status: 200, headers, body };
}

/** RFC 9110 §13.1.2: `*`, or any of the listed tags, compared weakly. */
function isKnown(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  return condition.trim() === "*" || condition.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
}
