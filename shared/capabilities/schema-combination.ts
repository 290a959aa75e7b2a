import { isDeepStrictEqual } from "node:util";
import { isObject } from "../is-object.ts";
import { type JsonSchema, propertiesOf } from "./schemas.ts";

/** Why a schema has no flat form: the place in it, the fault, the mend. */
export class FlatSchemaError extends Error {
  override readonly name = "FlatSchemaError";
}

const SCALARS = ["string", "number", "integer", "boolean"];

/**
 * One schema that admits what any of the alternatives admits, and a little more: it can no longer say which members go
 * together. A member that only some of them name is what those say, for nobody sends what nobody named. The alternatives
 * are flat.
 *
 * @throws {FlatSchemaError} for alternatives of different kinds: a text or an object, say.
 */
export function unionOf(alternatives: readonly JsonSchema[], place: string): JsonSchema {
  const some = alternatives.filter((schema) => !isNull(schema));
  if (some.length < alternatives.length) return orNull(some.length === 0 ? { type: "null" } : unionOf(some, place));
  const [first = {}, ...others] = some;
  if (others.every((schema) => isDeepStrictEqual(schema, first))) return first;
  if (some.some((schema) => Object.keys(schema).length === 0)) return {};
  const values = some.map(valuesOf);
  if (values.every((list) => list !== undefined)) return { ...typeOf(some), enum: [...new Set(values.flat())] };
  const types = some.flatMap(({ type }) => type);
  if (types.every((type) => SCALARS.includes(String(type)) || type === "null")) return typeOf(some);
  if (types.every((type) => type === "object")) return objectUnion(some, place);
  if (types.every((type) => type === "array")) return { type: "array", items: unionOf(some.map(itemsOf), `${place}.items`) };
  throw new FlatSchemaError(`${at(place)}its alternatives are of different kinds; let them all be objects, all lists or all plain values`);
}

/**
 * One schema for what must be several at once, each flat.
 * @throws {FlatSchemaError} for a keyword or a member that they have differently.
 */
export function intersectionOf(schemas: readonly JsonSchema[], place: string): JsonSchema {
  return schemas.reduce((all, schema) => both(all, schema, place), {});
}

function both(one: JsonSchema, other: JsonSchema, place: string): JsonSchema {
  const merged: Record<string, unknown> = { ...one };
  for (const [keyword, value] of Object.entries(other))
    merged[keyword] = keyword in one ? agreed(keyword, one[keyword], value, place) : value;
  // Each of them forbids the members of the other.
  const open = one["properties"] && other["properties"] && !isDeepStrictEqual(one["properties"], other["properties"]);
  if (open && merged["additionalProperties"] === false) delete merged["additionalProperties"];
  return merged;
}

function agreed(keyword: string, one: unknown, other: unknown, place: string): unknown {
  if (isDeepStrictEqual(one, other)) return one;
  if (keyword === "required" && Array.isArray(one) && Array.isArray(other)) return [...new Set([...one, ...other])];
  if (keyword === "properties" && isObject(one) && isObject(other)) {
    const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    return Object.fromEntries(names.map((name) => [name, intersectionOf([one[name], other[name]].filter(isObject), `${place}.${name}`)]));
  }
  if (keyword === "items" && isObject(one) && isObject(other)) return both(one, other, `${place}.items`);
  if (keyword === "title" || keyword === "description" || keyword === "default" || keyword === "examples") return one;
  if (keyword === "additionalProperties") return one === false || other === false ? false : {};
  if (keyword === "type") return narrowerType(one, other, place);
  if (typeof one === "number" && typeof other === "number")
    return /^(min|exclusiveMin)/.test(keyword) ? Math.max(one, other) : Math.min(one, other);
  throw new FlatSchemaError(`${at(place)}"${keyword}" is there twice and differs; write it once`);
}

function narrowerType(one: unknown, other: unknown, place: string): unknown {
  const left = [one].flat();
  const right = [other].flat();
  const common = left.filter((type) => right.includes(type) || (type === "integer" && right.includes("number")));
  const whole = right.includes("integer") && left.includes("number") && !common.includes("integer") ? ["integer"] : [];
  const types = [...common, ...whole];
  if (types.length === 0)
    throw new FlatSchemaError(`${at(place)}nothing is a ${left.join(" or ")} and a ${right.join(" or ")}; write it once`);
  return types.length === 1 ? types[0] : types;
}

function objectUnion(schemas: readonly JsonSchema[], place: string): JsonSchema {
  const names = [...new Set(schemas.flatMap((schema) => propertiesOf(schema).map(([name]) => name)))];
  const properties = names.map((name) => {
    const variants = schemas.flatMap((schema) => propertiesOf(schema).filter(([own]) => own === name));
    return [
      name,
      unionOf(
        variants.map(([, schema]) => schema),
        `${place}.${name}`,
      ),
    ];
  });
  const [first = [], ...others] = schemas.map(({ required }) => (Array.isArray(required) ? required : []));
  const required = first.filter((name) => others.every((list) => list.includes(name)));
  const closed = schemas.every(({ additionalProperties }) => additionalProperties === false);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length > 0 ? { required } : {}),
    ...(closed ? { additionalProperties: false } : {}),
  };
}

function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: values, const: only, ...rest } = schema;
  const nullable = type === undefined ? {} : { type: [...new Set([type, "null"].flat())] };
  const allowed = values ?? (only === undefined ? undefined : [only]);
  return { ...rest, ...nullable, ...(Array.isArray(allowed) ? { enum: [...allowed, null] } : {}) };
}

function isNull({ type, const: only }: JsonSchema): boolean {
  return type === "null" || only === null;
}

/** The values of a schema that lists them. */
function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  if ("const" in schema) return [schema["const"]];
  return Array.isArray(schema["enum"]) ? schema["enum"] : undefined;
}

/** The types of all, where each has one or lists its values. */
function typeOf(schemas: readonly JsonSchema[]): JsonSchema {
  const each = schemas.map((schema) => (schema["type"] === undefined ? valuesOf(schema)?.map(typeOfValue) : [schema["type"]].flat()));
  if (each.some((types) => types === undefined)) return {};
  const types = [...new Set(each.flat())];
  return { type: types.length === 1 ? types[0] : types };
}

function typeOfValue(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function itemsOf({ items }: JsonSchema): JsonSchema {
  return isObject(items) ? items : {};
}

function at(place: string): string {
  return place === "" ? "" : `${place}: `;
}
