import { z } from "zod";
import { isObject } from "../is-object.ts";
import { isRaw, type RawSchema, type Shape } from "./content.ts";
import { inputSchemaOf, type JsonSchema, propertiesOf } from "./schemas.ts";
import { checkOf } from "./shape.ts";
import type { ShapeCheck, ShapeFault } from "./shape-fault.ts";

/** A form as clients take it, and the check of what a person filled in. */
export interface Form {
  readonly requestedSchema: JsonSchema;
  readonly check: ShapeCheck;
}

/** The formats a client knows (MCP 2026-07-28 client/elicitation §requested-schema). */
const FORMATS: ReadonlyMap<unknown, z.ZodType> = new Map<unknown, z.ZodType>([
  ["email", z.email()],
  ["uri", z.url()],
  ["date", z.iso.date()],
  ["date-time", z.iso.datetime({ offset: true })],
]);

const ANNOTATIONS = ["type", "title", "description", "default"];
const ROOT = ["$schema", "type", "properties", "required", "additionalProperties"];

const forms = new WeakMap<Shape, Form>();

/**
 * The form that asks for these fields, made once for each shape.
 * @throws {Error} naming the field that no form can have.
 */
export function formOf(fields: Shape): Form {
  const known = forms.get(fields);
  if (known) return known;
  const form = isRaw(fields) ? rawForm(fields) : zodForm(fields);
  forms.set(fields, form);
  return form;
}

/** Constraints that clients do not know are left out: the answer is checked for them here. */
function zodForm(fields: z.ZodObject): Form {
  const schema = inputSchemaOf(fields);
  const properties = propertiesOf(schema).map(([name, field]) => {
    const keywords = keywordsOf(name, field);
    const shown = Object.entries(field).filter(([keyword, value]) => keywords.includes(keyword) && isShown(keyword, value));
    return [name, Object.fromEntries(shown)] as const;
  });
  const requestedSchema = { type: "object", properties: Object.fromEntries(properties), ...picked(schema, "required") };
  return { requestedSchema, check: checkOf(fields) };
}

function isShown(keyword: string, value: unknown): boolean {
  return keyword !== "format" || FORMATS.has(value);
}

function rawForm({ jsonSchema: schema, check }: RawSchema): Form {
  refuseOthers("the form", schema, ROOT);
  const fields = propertiesOf(schema);
  for (const [name, field] of fields) {
    refuseOthers(`the field "${name}"`, field, keywordsOf(name, field));
    if (field["format"] !== undefined && !FORMATS.has(field["format"])) {
      throw new Error(`the field "${name}" has the format ${field["format"]}; clients know ${[...FORMATS.keys()].join(", ")}`);
    }
  }
  const defaults = Object.fromEntries(fields.flatMap(([name, field]) => ("default" in field ? [[name, field["default"]]] : [])));
  return {
    requestedSchema: schema,
    check(value) {
      const checked = check(isObject(value) ? { ...defaults, ...value } : value);
      if (!checked.success) return checked;
      const faults = fields.flatMap(([name, field]) => formatFaults(name, field["format"], checked.data[name]));
      return faults.length === 0 ? checked : { success: false, faults };
    },
  };
}

function formatFaults(field: string, format: unknown, value: unknown): ShapeFault[] {
  const check = FORMATS.get(format);
  if (!check || value === undefined || check.safeParse(value).success) return [];
  return [{ field, message: `must be of the format ${format}`, rule: "format" }];
}

function refuseOthers(place: string, schema: JsonSchema, keywords: readonly string[]): void {
  const other = Object.keys(schema).find((keyword) => !keywords.includes(keyword));
  if (other !== undefined) throw new Error(`${place} has ${other}, which no client's form knows`);
}

/** What a field of this kind may say (MCP 2026-07-28 schema PrimitiveSchemaDefinition). */
function keywordsOf(name: string, field: JsonSchema): readonly string[] {
  const { type } = field;
  if (type === "boolean") return ANNOTATIONS;
  if (type === "number" || type === "integer") return [...ANNOTATIONS, "minimum", "maximum"];
  if (type === "string" && areTitled(field["oneOf"])) return [...ANNOTATIONS, "oneOf"];
  if (type === "string" && areTexts(field["enum"])) return [...ANNOTATIONS, "enum", "enumNames"];
  if (type === "string" && !("oneOf" in field) && !("enum" in field) && !("const" in field)) {
    return [...ANNOTATIONS, "minLength", "maxLength", "format"];
  }
  if (type === "array" && isChoice(field["items"])) return [...ANNOTATIONS, "minItems", "maxItems", "items"];
  throw new Error(`the field "${name}" is none that a form can have: a text, number, boolean, choice of texts or list of such choices`);
}

function isChoice(items: unknown): boolean {
  if (!isObject(items)) return false;
  const { type, enum: texts, anyOf, ...others } = items;
  if (Object.keys(others).length > 0) return false;
  return texts === undefined ? areTitled(anyOf) : type === "string" && areTexts(texts) && anyOf === undefined;
}

function areTexts(values: unknown): boolean {
  return Array.isArray(values) && values.length > 0 && values.every((value) => typeof value === "string");
}

function areTitled(options: unknown): boolean {
  if (!Array.isArray(options) || options.length === 0) return false;
  return options.every((option) => isObject(option) && typeof option["const"] === "string" && typeof option["title"] === "string");
}

function picked(schema: JsonSchema, keyword: string): JsonSchema {
  return keyword in schema ? { [keyword]: schema[keyword] } : {};
}
