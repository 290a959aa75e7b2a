import { type Exchange, HttpError } from "./exchange.ts";

/** Parameters by name; of a repeated one the first. */
export type Parameters = ReadonlyMap<string, string>;

/** @throws {HttpError} 400 for a repeated parameter (RFC 6749 §3.1: parameters must not be included more than once). */
export function parametersOf(pairs: URLSearchParams): Parameters {
  const [repeated] = repeatedNames(pairs);
  if (repeated !== undefined) throw new HttpError(400, `The parameter ${JSON.stringify(repeated)} is there more than once.`);
  return firstOf(pairs);
}

/** RFC 6749 §3.1: a parameter without a value is treated as omitted. */
export function firstOf(pairs: URLSearchParams): Parameters {
  return new Map([...pairs].filter(([, value]) => value !== "").reverse());
}

export function repeatedNames(pairs: URLSearchParams): ReadonlySet<string> {
  const met = new Set<string>();
  const repeated = new Set<string>();
  // In one go: a body has room for thousands of names.
  for (const [name, value] of pairs) {
    if (value === "") continue;
    if (met.has(name)) repeated.add(name);
    met.add(name);
  }
  return repeated;
}

/** @throws {HttpError} 415 for another media type. */
export async function readForm(exchange: Exchange): Promise<URLSearchParams> {
  const type = exchange.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) {
    throw new HttpError(415, "The body must be application/x-www-form-urlencoded.");
  }
  return new URLSearchParams((await exchange.body()).toString("utf8"));
}
