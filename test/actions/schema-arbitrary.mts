import fc from "fast-check";
import { fitsQuery } from "../../shared/capabilities/schemas.ts";

// biome-ignore lint/suspicious/noExplicitAny: schemas are read as they come out of the document.
type Loose = any;

/** Values that a flat schema of an OpenAPI document admits, as far as its keywords say. */
export function valuesOf(schema: Loose): fc.Arbitrary<unknown> {
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch ([schema.type].flat()[0]) {
    case "string":
      return textOf(schema);
    case "integer":
      return fc.integer({ min: least(schema, -1_000_000), max: most(schema, 1_000_000) });
    case "number":
      return fc.double({ min: least(schema, -1e9), max: most(schema, 1e9), noNaN: true });
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(valuesOf(schema.items), { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 5, 5) });
    case "object":
      return objectOf(schema);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** Inputs that an operation admits. */
export function objectOf({ properties = {}, required = [] }: Loose): fc.Arbitrary<Record<string, unknown>> {
  const members = Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, valuesOf(member)]));
  return fc.record(members, { requiredKeys: required }) as fc.Arbitrary<Record<string, unknown>>;
}

/** Inputs with one fault, and the member that has it: missing, of another type, or unknown. */
export function faultyOf(
  schema: Loose,
  inQuery: boolean,
): fc.Arbitrary<{ readonly input: Record<string, unknown>; readonly member: string }> {
  const { properties = {}, required = [] } = schema;
  const strange = objectOf(schema).map((input) => ({ input: { ...input, stranger: "x" }, member: "stranger" }));
  const missing = (required as string[]).map((member) =>
    objectOf(schema).map(({ [member]: _, ...input }) => ({ input: input as Record<string, unknown>, member })),
  );
  // A query has texts alone: only what is no text there can be of another type.
  const wrong = Object.entries(properties as Record<string, Loose>)
    .filter(([, member]) => typeof member.type === "string" && (!inQuery || ["integer", "number", "boolean"].includes(member.type)))
    .map(([member, { type }]) =>
      objectOf(schema).map((input) => ({ input: { ...input, [member]: type === "string" ? 7 : "wrong" }, member })),
    );
  return fc.oneof(strange, ...missing, ...wrong);
}

/** A query as OpenAPI's style "form", exploded, has it. */
export function queryOf(input: Readonly<Record<string, unknown>>): URLSearchParams {
  return new URLSearchParams(
    Object.entries(input).flatMap(([name, value]) => [value].flat().map((item): [string, string] => [name, String(item)])),
  );
}

/** An operation's input as one schema, whichever way it comes. */
export function inputOf(operation: Loose): Loose {
  if (operation.requestBody) return operation.requestBody.content["application/json"].schema;
  const parameters: Loose[] = operation.parameters ?? [];
  return {
    type: "object",
    properties: Object.fromEntries(parameters.map(({ name, description, schema }) => [name, { ...schema, description }])),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
  };
}

/** Whether all of a schema can stand in a query. */
export function isFlat({ properties = {} }: Loose): boolean {
  return Object.values(properties).every((member) => fitsQuery(member as Loose));
}

function textOf({ format, minLength = 0, maxLength = 60, pattern }: Loose): fc.Arbitrary<string> {
  if (format === "uuid") return fc.uuid();
  if (format === "date") return dateOf().map((date) => date.toISOString().slice(0, 10));
  if (format === "date-time") return dateOf().map((date) => date.toISOString());
  if (format === "uri") return fc.webUrl();
  if (pattern) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, 60) });
}

function dateOf() {
  return fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true });
}

function least({ minimum, exclusiveMinimum }: Loose, standard: number): number {
  return Math.max(minimum ?? standard, exclusiveMinimum === undefined ? standard : exclusiveMinimum + 1, standard);
}

function most({ maximum, exclusiveMaximum }: Loose, standard: number): number {
  return Math.min(maximum ?? standard, exclusiveMaximum === undefined ? standard : exclusiveMaximum - 1, standard);
}
