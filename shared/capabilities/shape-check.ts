import type { CapabilityDefinition } from "./capability.ts";
import { isRaw, type Shape } from "./content.ts";
import { headerParametersOf } from "./header-parameters.ts";
import { visitSchemas } from "./schema-walk.ts";
import { inputSchemaOf, isFlat, isObject, isObjectSchema, type JsonSchema, outputSchemaOf, propertiesOf } from "./schemas.ts";

/** Characters that GPT Actions take of a parameter's description. */
const MAX_PARAMETER_DESCRIPTION = 700;

type Declared = Pick<CapabilityDefinition<Shape, Shape>, "name" | "effect" | "input" | "output">;

/** All that is wrong with an input. @param onActions Whether Actions offer it. */
export function inputFaults({ name, effect, input }: Declared, onActions: boolean): string[] {
  const place = `${name}.input`;
  const schema = written(place, input, inputSchemaOf);
  if (typeof schema === "string") return [schema];
  const described = onActions || !isRaw(input);
  return [
    ...headerParametersOf(schema).faults.map((fault) => `${place}: ${fault}`),
    ...(onActions ? referenceFaults(place, schema) : []),
    ...propertiesOf(schema).flatMap(([member, property]) => [
      ...(described ? descriptionFaults(`${place}.${member}`, property) : []),
      ...(onActions && effect === "read" && !isFlat(property)
        ? [`${place}.${member}: does not fit into a query; let a read take strings, numbers, booleans or lists of them`]
        : []),
    ]),
  ];
}

/** All that is wrong with an output. @param onActions Whether Actions offer it. */
export function outputFaults({ name, output }: Declared, onActions: boolean): string[] {
  if (!output) return [];
  const place = `${name}.output`;
  const schema = written(place, output, outputSchemaOf);
  if (typeof schema === "string") return [schema];
  return onActions ? referenceFaults(place, schema) : [];
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

/** ChatGPT takes no references within a schema: each must have something to be replaced with. */
function referenceFaults(place: string, root: JsonSchema): string[] {
  const definitions = isObject(root["$defs"]) ? root["$defs"] : {};
  const faults: string[] = [];
  visitSchemas(root, ({ $ref }) => {
    if (typeof $ref === "string" && isEndless($ref, definitions, [])) {
      faults.push(`${place}: the reference ${$ref} cannot be put in place; let it lead to $defs and not back to itself`);
    }
  });
  return [...new Set(faults)];
}

function isEndless(reference: string, definitions: JsonSchema, open: readonly string[]): boolean {
  const definition = definitions[/^#\/\$defs\/(.+)$/.exec(reference)?.[1] ?? ""];
  if (!isObject(definition) || open.includes(reference)) return true;
  let endless = false;
  visitSchemas(definition, ({ $ref }) => {
    if (!endless && typeof $ref === "string") endless = isEndless($ref, definitions, [...open, reference]);
  });
  return endless;
}
