import type { CapabilityDefinition } from "./capability.ts";
import { inputSchemaOf, isFlat, isObjectSchema, type JsonSchema, outputSchemaOf, propertiesOf } from "./schemas.ts";
import { isScope, SCOPES } from "./scopes.ts";

/** All that is wrong with the capabilities' definitions, one line a fault: the place, the fault, the mend. */
export class DefinitionError extends Error {
  override readonly name = "DefinitionError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `the capabilities have ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join("\n")}`,
    );
    this.faults = faults;
  }
}

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
/** Characters that GPT Actions take of a description and of a parameter's. */
const MAX_DESCRIPTION = 300;
const MAX_PARAMETER_DESCRIPTION = 700;

/** @throws {DefinitionError} with every fault of every definition. */
export function checkDefinitions(definitions: readonly CapabilityDefinition[]): void {
  const faults = [...definitions.flatMap(faultsOf), ...repeatedPaths(definitions)];
  if (faults.length > 0) throw new DefinitionError(faults);
}

function faultsOf(definition: CapabilityDefinition): string[] {
  const { name, title, description, path, scopes } = definition;
  const faults: string[] = [];
  if (!NAME.test(name)) faults.push(`${name}: the name does not match ${NAME.source}; use lower case letters, digits and _`);
  if (path !== undefined && !NAME.test(path))
    faults.push(`${name}.path: "${path}" does not match ${NAME.source}; use lower case letters, digits and _`);
  if (title.trim() === "") faults.push(`${name}.title: is empty; say in a few words what it does`);
  if (description.trim() === "") faults.push(`${name}.description: is empty; begin with "Use this when …"`);
  if (description.length > MAX_DESCRIPTION) {
    faults.push(`${name}.description: has ${description.length} characters; shorten it to ${MAX_DESCRIPTION}`);
  }
  for (const scope of scopes === "public" ? [] : scopes) {
    if (!isScope(scope))
      faults.push(`${name}.scopes: "${scope}" is not a scope; use one of ${Object.keys(SCOPES).join(", ")} or add it to scopes.ts`);
  }
  return [...faults, ...inputFaults(definition), ...outputFaults(definition)];
}

function inputFaults({ name, effect, input }: CapabilityDefinition): string[] {
  const place = `${name}.input`;
  const schema = written(place, () => inputSchemaOf(input));
  if (typeof schema === "string") return [schema];
  if (!isObjectSchema(schema)) return [notAnObject(place)];
  return propertiesOf(schema).flatMap(([member, property]) => {
    const faults: string[] = [];
    const { description } = property;
    if (typeof description !== "string" || description.trim() === "") {
      faults.push(`${place}.${member}: has no description; add .describe("…")`);
    } else if (description.length > MAX_PARAMETER_DESCRIPTION) {
      faults.push(`${place}.${member}: the description has ${description.length} characters; shorten it to ${MAX_PARAMETER_DESCRIPTION}`);
    }
    if (effect === "read" && !isFlat(property)) {
      faults.push(`${place}.${member}: does not fit into a query; let a read take strings, numbers, booleans or lists of them`);
    }
    return faults;
  });
}

function outputFaults({ name, output }: CapabilityDefinition): string[] {
  const place = `${name}.output`;
  const schema = written(place, () => outputSchemaOf(output));
  if (typeof schema === "string") return [schema];
  return isObjectSchema(schema) ? [] : [notAnObject(place)];
}

/** The schema, or the fault that keeps it from being written down. */
function written(place: string, write: () => JsonSchema): JsonSchema | string {
  try {
    return write();
  } catch (error) {
    return `${place}: ${error instanceof Error ? error.message : String(error)}; use a type that JSON has`;
  }
}

function notAnObject(place: string): string {
  return `${place}: the root is not an object schema; use z.object without .meta({ id })`;
}

/** Names and paths stand in one place of the URL, so that none may be there twice. */
function repeatedPaths(definitions: readonly CapabilityDefinition[]): string[] {
  const owners = new Map<string, string>();
  const faults: string[] = [];
  for (const { name, path } of definitions) {
    for (const last of path === undefined ? [name] : [name, path]) {
      const owner = owners.get(last);
      if (owner !== undefined) faults.push(`${name}: "${last}" is already a name or path of ${owner}; choose another`);
      else owners.set(last, name);
    }
  }
  return faults;
}
