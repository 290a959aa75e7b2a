import { type Exchange, HttpError } from "./exchange.ts";

/** Form parameters, none of them twice (RFC 6749 §3.1: parameters must not be included more than once). */
export type Parameters = ReadonlyMap<string, string>;

/**
 * @param repeatable Names that may be there more than once; their values are joined with a space.
 * @throws {HttpError} 400 for a repeated parameter.
 */
export function parametersOf(pairs: URLSearchParams, repeatable: readonly string[] = []): Parameters {
  const parameters = new Map<string, string>();
  for (const [name, value] of pairs) {
    // RFC 6749 §3.1: a parameter without a value is treated as omitted.
    if (value === "") continue;
    const known = parameters.get(name);
    if (known !== undefined && !repeatable.includes(name))
      throw new HttpError(400, `The parameter ${JSON.stringify(name)} is there more than once.`);
    parameters.set(name, known === undefined ? value : `${known} ${value}`);
  }
  return parameters;
}

/** @throws {HttpError} 415 for another media type. */
export async function readForm(exchange: Exchange): Promise<URLSearchParams> {
  const type = exchange.header("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) {
    throw new HttpError(415, "The body must be application/x-www-form-urlencoded.");
  }
  return new URLSearchParams((await exchange.body()).toString("utf8"));
}
