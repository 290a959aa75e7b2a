import type { CapabilityDefinition } from "./capability.ts";
import { isRaw, type Shape } from "./content.ts";
import { flatten } from "./flat-schema.ts";
import { headerParametersOf } from "./header-parameters.ts";
import { FlatSchemaError } from "./schema-combination.ts";
import { inputSchemaOf, isObjectSchema, type JsonSchema, outputSchemaOf, propertiesOf } from "./schemas.ts";

/** Characters that GPT Actions take of a parameter's description. */
const MAX_PARAMETER_DESCRIPTION = 700;

type Declared = Pick<CapabilityDefinition<Shape, Shape>, "name" | "input" | "output">;

/** All that is wrong with an input. @param onActions Whether Actions offer it. */
export function inputFaults({ name, input }: Declared, onActions: boolean): string[] {
  const place = `${name}.input`;
  const schema = written(place, input, inputSchemaOf);
  if (typeof schema === "string") return [schema];
  const described = onActions || !isRaw(input);
  return [
    ...headerParametersOf(schema).faults.map((fault) => `${place}: ${fault}`),
    ...(onActions ? flatFaults(place, schema) : []),
    ...(described ? propertiesOf(schema).flatMap(([member, property]) => descriptionFaults(`${place}.${member}`, property)) : []),
  ];
}

/** All that is wrong with an output. @param onActions Whether Actions offer it. */
export function outputFaults({ name, output }: Declared, onActions: boolean): string[] {
  if (!output) return [];
  const place = `${name}.output`;
  const schema = written(place, output, outputSchemaOf);
  if (typeof schema === "string") return [schema];
  return onActions ? flatFaults(place, schema) : [];
}

/** The schema, or the fault that keeps it from being written down. */
function written(place: string, shape: Shape, write: (shape: Shape) => JsonSchema): JsonSchema | string {
  const schema = attempted(place, () => write(shape));
  if (typeof schema === "string") return schema;
  if (!isObjectSchema(schema)) return `${place}: the root is not an object schema; use z.object without .meta({ id })`;
  const fault = isRaw(shape) ? shape.fault() : undefined;
  return fault === undefined ? schema : `${place}: ${fault}`;
}

function attempted(place: string, write: () => JsonSchema): JsonSchema | string {
  try {
    return write();
  } catch (error) {
    return `${place}: ${error instanceof Error ? error.message : String(error)}; use a type that JSON has`;
  }
}

function descriptionFaults(place: string, { description }: JsonSchema): string[] {
  if (typeof description !== "string" || description.trim() === "") return [`${place}: has no description; add one`];
  if (description.length <= MAX_PARAMETER_DESCRIPTION) return [];
  return [`${place}: the description has ${description.length} characters; shorten it to ${MAX_PARAMETER_DESCRIPTION}`];
}

/** What Actions offer must have a form without references and alternatives. */
function flatFaults(place: string, schema: JsonSchema): string[] {
  try {
    flatten(schema);
    return [];
  } catch (error) {
    if (!(error instanceof FlatSchemaError)) throw error;
    return [`${place}: ${error.message}, or set surfaces to ["mcp"]`];
  }
}
