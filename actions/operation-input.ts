import type { ObjectSchema } from "../shared/capabilities/content.ts";
import { type FlatSchema, flatten } from "../shared/capabilities/flat-schema.ts";
import { type Exchange, HttpError } from "../shared/http/exchange.ts";
import { JsonError, type JsonLimits, parseJson } from "../shared/http/json.ts";
import { MAX_CHARACTERS } from "./faults.ts";

/** More than any operation asks, and little enough that finding a fault in each takes no time that others would notice. */
const JSON_LIMITS: JsonLimits = { depth: 64, values: 10_000 };

/** What a query or a body asks, not yet checked. */
export type Input = unknown;

/** Makes a query's texts into an input. */
export type QueryReader = (query: URLSearchParams) => Input;

/**
 * Reads what an input schema says is a number, a boolean or a list; OpenAPI's style "form", exploded. A text that is
 * not of its type stays a text and a repeated scalar stays a list, so that the schema's own check names the field.
 */
export function createQueryReader(schema: ObjectSchema): QueryReader {
  const properties = new Map(Object.entries(flatten(schema).properties ?? {}));
  return (query) => {
    const members = new Map<string, string[]>();
    // In one go: a query has room for thousands of names.
    for (const [name, text] of query) {
      // As in a form, a parameter without a value is one that is left out.
      if (text === "") continue;
      const texts = members.get(name);
      if (texts) texts.push(text);
      else members.set(name, [text]);
    }
    return Object.fromEntries(Array.from(members, ([name, texts]) => [name, read(texts, properties.get(name))]));
  };
}

function read(texts: readonly string[], property: FlatSchema | undefined): unknown {
  if (property?.type === "array") return texts.map((text) => scalar(text, property.items?.type));
  return texts.length === 1 ? scalar(texts[0] ?? "", property?.type) : texts;
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

function scalar(text: string, type: unknown): string | number | boolean {
  if ((type === "number" || type === "integer") && NUMBER.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

/**
 * The body as JSON; an empty one is an empty object, and one that is compressed is not taken.
 * @throws {HttpError} 413 above {@link MAX_CHARACTERS}, 415 for another media type or a coding, 400 for a text that is not
 *   JSON, or is nested too deeply or has too many values.
 */
export async function readJsonBody(exchange: Exchange): Promise<Input> {
  const bytes = await exchange.body();
  if (bytes.length === 0) return {};
  if (!/^application\/json *(;|$)/i.test(exchange.header("content-type") ?? "")) {
    throw new HttpError(415, "The body must be application/json.");
  }
  if (!/^(identity)?$/i.test(exchange.header("content-encoding") ?? "")) {
    throw new HttpError(415, "The body must not be compressed.", { "accept-encoding": "identity" });
  }
  // Bytes that are not UTF-8 are longer as characters, and refused next.
  if (bytes.length > MAX_CHARACTERS && bytes.toString("utf8").length > MAX_CHARACTERS) {
    throw new HttpError(413, `The body is longer than ${MAX_CHARACTERS} characters.`);
  }
  try {
    return parseJson(bytes, JSON_LIMITS);
  } catch (error) {
    throw error instanceof JsonError ? new HttpError(400, error.message) : error;
  }
}
