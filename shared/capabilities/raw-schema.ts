import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { isObject } from "../is-object.ts";
import type { ObjectSchema, RawSchema } from "./content.ts";
import { visitSchemas } from "./schema-walk.ts";
import { fieldOf, type ShapeCheck, type ShapeFault } from "./shape-fault.ts";
import { uniqueItems } from "./unique-items.ts";

/** What a schema from elsewhere may be: beyond this, compiling it could take the process's time or stack. */
const MAX_DEPTH = 64;
const MAX_PARTS = 10_000;
const MAX_CHARACTERS = 200_000;

/** Ajv keeps parts of what it compiled for good, so that it is made anew after so many schemas. */
const MAX_COMPILED = 1_000;

let known: Ajv2020 | undefined;
let compiledCount = 0;

/**
 * A shape declared by the JSON Schema 2020-12 that it already is. Ajv is loaded with this module, and so only where a
 * pack has such schemas: it would be a good part of every start.
 */
export function rawSchema(jsonSchema: ObjectSchema): RawSchema {
  return { jsonSchema, fault: () => faultIn(jsonSchema), check: (value) => checkOf(jsonSchema)(value) };
}

function ajv(): Ajv2020 {
  compiledCount += 1;
  if (known && compiledCount % MAX_COMPILED !== 0) return known;
  // One error is enough: to collect all of a large input is work that a stranger could ask for.
  known = new Ajv2020({ strict: false, validateFormats: false, logger: false, allErrors: false });
  known.removeKeyword("uniqueItems").addKeyword(uniqueItems);
  return known;
}

const checks = new WeakMap<ObjectSchema, ShapeCheck>();

/** A schema's check, compiled once. @throws {Error} for a schema that is none. */
function checkOf(schema: ObjectSchema): ShapeCheck {
  const found = checks.get(schema);
  if (found) return found;
  const validate = compiled(schema);
  const check: ShapeCheck = (value) => {
    try {
      if (validate(value)) return { success: true, data: value };
      return { success: false, faults: (validate.errors ?? []).map(faultOf) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { success: false, faults: [{ field: "", message: "is nested too deeply", rule: "depth" }] };
    }
  };
  checks.set(schema, check);
  return check;
}

/** Under no name of its own: what refers to it is within it, and no other schema may be taken for it. */
function compiled({ $id, ...schema }: ObjectSchema) {
  const compiler = ajv();
  try {
    return compiler.compile<Readonly<Record<string, unknown>>>(schema);
  } finally {
    compiler.removeSchema(schema);
  }
}

/** What is wrong with a schema that came from elsewhere, with the mend; nothing when it can be used. */
function faultIn(schema: ObjectSchema): string | undefined {
  if (!isBounded(schema)) {
    return `is too large; stay below ${MAX_DEPTH} levels, ${MAX_PARTS} parts and ${MAX_CHARACTERS} characters`;
  }
  const fault = referenceFault(schema);
  if (fault !== undefined) return fault;
  try {
    checkOf(schema);
    return undefined;
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}; write JSON Schema 2020-12`;
  }
}

/** Nothing is ever loaded, and nothing is put among the schemas of others (JSON Schema 2020-12 core §8.2). */
function referenceFault(root: ObjectSchema): string | undefined {
  let fault: string | undefined;
  visitSchemas(root, (schema, { place }) => {
    for (const keyword of ["$ref", "$dynamicRef"]) {
      const reference = schema[keyword];
      if (typeof reference === "string" && !reference.startsWith("#")) {
        fault ??= `refers to ${reference}, which is not in it; put what it needs into $defs`;
      }
    }
    if (place !== "" && schema["$id"] !== undefined) fault ??= `has an $id at ${place}; give it an $anchor instead`;
  });
  return fault;
}

function isBounded(schema: ObjectSchema): boolean {
  let parts = 0;
  const fits = (value: unknown, depth: number): boolean => {
    parts += 1;
    if (parts > MAX_PARTS || depth > MAX_DEPTH) return false;
    return typeof value !== "object" || value === null || Object.values(value).every((item) => fits(item, depth + 1));
  };
  return fits(schema, 0) && JSON.stringify(schema).length <= MAX_CHARACTERS;
}

function faultOf({ instancePath, keyword: rule, params, message = "is not valid" }: ErrorObject): ShapeFault {
  const path = instancePath
    .split("/")
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll("~1", "/").replaceAll("~0", "~")));
  const { missingProperty, additionalProperty, unevaluatedProperty } = isObject(params) ? params : {};
  if (typeof missingProperty === "string") return { field: fieldOf([...path, missingProperty]), message: "is required", rule };
  const unknown = additionalProperty ?? unevaluatedProperty;
  if (typeof unknown === "string") return { field: fieldOf([...path, unknown]), message: "is not known here", rule };
  return { field: fieldOf(path), message, rule };
}
