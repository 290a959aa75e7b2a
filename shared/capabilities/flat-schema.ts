import { isObject } from "../is-object.ts";
import { FlatSchemaError, intersectionOf, unionOf } from "./schema-combination.ts";
import type { JsonSchema } from "./schemas.ts";

/** The keywords that OpenAPI documents need; the others pass through. */
export interface FlatSchema {
  readonly type?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, FlatSchema>>;
  readonly items?: FlatSchema;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

/** Only a schema itself can use them. */
const OWN = new Set(["$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "$dynamicAnchor", "$vocabulary"]);
/** They only forbid more than the rest says, and the check of each call knows them all the same. */
const NARROWING = new Set([
  "not",
  "if",
  "then",
  "else",
  "propertyNames",
  "patternProperties",
  "contains",
  "minContains",
  "maxContains",
  "dependentSchemas",
  "dependentRequired",
  "unevaluatedProperties",
  "unevaluatedItems",
]);
/** Parts after references are put in place: those that refer to others many times over would never end. */
const MAX_PARTS = 20_000;

/**
 * A schema as ChatGPT takes it: nothing but types, members, items and limits. Its own definitions are put in where they
 * are referred to; alternatives and combinations become one schema that admits whatever they admit, and a little more.
 * What a call may bring is decided by the schema itself, not by this picture of it.
 *
 * @throws {FlatSchemaError} for a reference that is not to `$defs` or leads back to itself, and for alternatives that
 *   have nothing in common.
 */
export function flatten(root: JsonSchema): FlatSchema {
  let parts = 0;

  function walk(value: unknown, place: string, open: readonly string[]): JsonSchema {
    parts += 1;
    if (parts > MAX_PARTS) throw new FlatSchemaError(`is larger than ${MAX_PARTS} parts with its references put in; make it smaller`);
    if (!isObject(value)) return {};
    if (typeof value["$ref"] === "string") return resolve(value["$ref"], value, place, open);
    const { anyOf, oneOf, allOf, prefixItems, ...rest } = value;
    const own = members(rest, place, open);
    const each = (list: unknown, keyword: string) =>
      Array.isArray(list) ? list.map((item, index) => walk(item, join(place, `${keyword}.${index}`), open)) : [];
    const alternatives = [each(anyOf, "anyOf"), each(oneOf, "oneOf")].filter((list) => list.length > 0);
    const tuple = each(prefixItems, "prefixItems");
    const parted = [own, ...each(allOf, "allOf"), ...alternatives.map((list) => unionOf(list, place))];
    const whole = parted.length === 1 ? own : { ...intersectionOf(parted, place), ...annotationsOf(own) };
    return complete(tuple.length === 0 ? whole : { ...whole, type: "array", items: unionOf([...tuple, ...itemsOf(own)], place) });
  }

  function members(schema: JsonSchema, place: string, open: readonly string[]): JsonSchema {
    const kept: [string, unknown][] = [];
    for (const [keyword, value] of Object.entries(schema)) {
      if (OWN.has(keyword) || NARROWING.has(keyword)) continue;
      if (keyword === "properties" && isObject(value)) {
        const properties = Object.entries(value).map(([name, member]) => [name, walk(member, join(place, `properties.${name}`), open)]);
        kept.push([keyword, Object.fromEntries(properties)]);
      } else if ((keyword === "items" || keyword === "additionalProperties") && isObject(value)) {
        kept.push([keyword, walk(value, join(place, keyword), open)]);
      } else if (keyword !== "items") {
        kept.push([keyword, value]);
      }
    }
    return Object.fromEntries(kept);
  }

  function resolve(reference: string, { $ref: _, ...beside }: JsonSchema, place: string, open: readonly string[]): JsonSchema {
    const definition = open.includes(reference) ? undefined : definitionOf(root, reference);
    if (!definition) {
      const at = place === "" ? "" : `${place}: `;
      throw new FlatSchemaError(`${at}the reference ${reference} cannot be put in place; let it lead to $defs and not back to itself`);
    }
    return { ...walk(definition, place, [...open, reference]), ...members(beside, place, open) };
  }

  return walk(root, "", []);
}

function definitionOf(root: JsonSchema, reference: string): JsonSchema | undefined {
  const [, holder = "", name = ""] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) ?? [];
  const definitions = root[holder];
  const definition = isObject(definitions) ? definitions[decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  return isObject(definition) ? definition : undefined;
}

/** ChatGPT misses members of an object and items of an array, even where nothing is to be said of them. */
function complete(schema: JsonSchema): JsonSchema {
  if (schema["type"] === "object" && schema["properties"] === undefined) return { ...schema, properties: {} };
  if (schema["type"] === "array" && schema["items"] === undefined) return { ...schema, items: {} };
  return schema;
}

function annotationsOf(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).filter(([keyword]) => ["title", "description", "default", "examples"].includes(keyword)),
  );
}

function itemsOf({ items }: JsonSchema): JsonSchema[] {
  return isObject(items) ? [items] : [];
}

function join(place: string, name: string): string {
  return place === "" ? name : `${place}.${name}`;
}
