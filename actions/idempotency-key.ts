import type { Exchange } from "../shared/http/exchange.ts";

/**
 * The key of a request that its client may send again: the header `Idempotency-Key`, which is a string of RFC 9651 and
 * is taken without its quotation marks as well (draft-ietf-httpapi-idempotency-key-header §2.1).
 */
export function idempotencyKeyOf(exchange: Pick<Exchange, "header">): string | undefined {
  const value = exchange.header("idempotency-key")?.trim();
  return /^"(.*)"$/.exec(value ?? "")?.[1] ?? value;
}
