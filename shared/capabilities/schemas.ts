import { z } from "zod";
import { isRaw, type ObjectSchema, type Shape } from "./content.ts";

/** A JSON Schema 2020-12. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/**
 * An input refuses members it does not name: a misspelt argument is a fault the caller should hear of, and silence
 * would do something else than what was asked. A raw schema says itself what it refuses.
 */
export function refuseUnknown(input: Shape): Shape {
  return isRaw(input) || input.def.catchall !== undefined ? input : input.strict();
}

/** What a caller may send. @throws {Error} for a type that JSON Schema cannot say. */
export function inputSchemaOf(input: Shape): JsonSchema {
  if (isRaw(input)) return input.jsonSchema;
  return withoutDialect(z.toJSONSchema(input, { io: "input", override: ({ jsonSchema }) => dropDerivedPattern(jsonSchema) }));
}

/** What a caller gets. @throws {Error} for a type that JSON Schema cannot say. */
export function outputSchemaOf(output: Shape): JsonSchema {
  if (isRaw(output)) return output.jsonSchema;
  return withoutDialect(
    z.toJSONSchema(output, {
      io: "output",
      override({ zodSchema, jsonSchema }) {
        dropDerivedPattern(jsonSchema);
        // Clients keep tool lists for months: what they kept must still admit an answer that has gained a member.
        const { def } = zodSchema._zod;
        if (def.type === "object" && (def as z.core.$ZodObjectDef).catchall === undefined) delete jsonSchema.additionalProperties;
      },
    }),
  );
}

export function isObjectSchema(schema: JsonSchema): schema is ObjectSchema {
  return schema["type"] === "object";
}

/** The members of an object schema, in order. */
export function propertiesOf(schema: JsonSchema): readonly (readonly [name: string, schema: JsonSchema])[] {
  return Object.entries((schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>);
}

const SCALARS: readonly unknown[] = ["string", "number", "integer", "boolean"];

/** Whether a query parameter can carry it. */
export function fitsQuery(schema: JsonSchema): boolean {
  if (schema["type"] === "array") return SCALARS.includes((schema["items"] as JsonSchema | undefined)?.["type"]);
  return SCALARS.includes(schema["type"]);
}

/** zod writes a long pattern beside each format of its own; the format says the same to whoever reads it. */
function dropDerivedPattern(schema: { format?: unknown; pattern?: unknown }): void {
  if (schema.format !== undefined) delete schema.pattern;
}

function withoutDialect({ $schema, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
