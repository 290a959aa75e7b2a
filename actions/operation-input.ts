import type { ObjectSchema } from "../shared/capabilities/content.ts";
import { type FlatSchema, flatten } from "../shared/capabilities/flat-schema.ts";
import { type Exchange, HttpError } from "../shared/http/exchange.ts";
import { MAX_CHARACTERS } from "./faults.ts";

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
    const members = new Map<string, unknown>();
    for (const name of new Set(query.keys())) {
      // As in a form, a parameter without a value is one that is left out.
      const texts = query.getAll(name).filter((text) => text !== "");
      if (texts.length > 0) members.set(name, read(texts, properties.get(name)));
    }
    return Object.fromEntries(members);
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
 * @throws {HttpError} 413 above {@link MAX_CHARACTERS}, 415 for another media type or a coding, 400 for a text that is not JSON.
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
  const text = textOf(bytes);
  if (text.length > MAX_CHARACTERS) throw new HttpError(413, `The body is longer than ${MAX_CHARACTERS} characters.`);
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, "The body is not JSON.");
  }
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, "The body is not UTF-8.");
  }
}
