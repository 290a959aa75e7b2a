import type { IncomingHttpHeaders } from "node:http";

const MINUTE = 60 * 1000;
const LEAST = 5 * MINUTE;
const MOST = 24 * 60 * MINUTE;

/**
 * For how long a client's document is taken as it came (RFC 9111 §4.2), in milliseconds: what its headers say, but at
 * least 5 minutes, so that nobody makes us fetch for every request, and at most 24 hours. Without a word, the least.
 */
export function freshnessOf(headers: IncomingHttpHeaders, now: number): number {
  const lifetime = lifetimeOf(headers, now) - secondsOf(headers.age) * 1000;
  return Math.min(Math.max(lifetime, LEAST), MOST);
}

function lifetimeOf({ "cache-control": control = "", expires }: IncomingHttpHeaders, now: number): number {
  const directives = control.toLowerCase().split(",");
  if (directives.some((directive) => /^\s*no-(store|cache)/.test(directive))) return 0;
  const maxAge = directives.map((directive) => /^\s*max-age\s*=\s*"?(\d{1,9})"?\s*$/.exec(directive)?.[1]).find((age) => age !== undefined);
  if (maxAge !== undefined) return Number(maxAge) * 1000;
  const until = expires === undefined ? Number.NaN : Date.parse(expires);
  return Number.isNaN(until) ? 0 : until - now;
}

function secondsOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}
