import { type CapabilityDefinition, NAME } from "./capability.ts";
import { surfacesOf } from "./compile.ts";
import { memberFaults } from "./definition-members.ts";
import { promptFaults, resourceFaults, templateFaults } from "./feature-check.ts";
import type { Catalog, Offer } from "./offer.ts";
import { pagingFaults } from "./paging-check.ts";
import { RESERVED_NAMES } from "./reserved-names.ts";
import { scopeFaults } from "./scopes.ts";
import { inputFaults, outputFaults } from "./shape-check.ts";

/** All that is wrong with what is offered, one line a fault: the place, the fault, the mend. */
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

/** Operations that GPT Actions take. */
const MAX_OPERATIONS = 30;
/** Characters that GPT Actions take of a description. */
const MAX_DESCRIPTION = 300;
/** Timers run no longer. Milliseconds. */
const MAX_TIME = 2 ** 31 - 1;

/** @throws {DefinitionError} with every fault of every definition. */
export function checkDefinitions({ capabilities, resources, resourceTemplates, prompts }: Offer): void {
  const malformed = capabilities.flatMap((definition, index) => memberFaults(definition, index + 1));
  // The other checks read members that may not be there.
  if (malformed.length > 0) throw new DefinitionError(malformed);
  const faults = [
    ...capabilities.flatMap(capabilityFaults),
    ...repeatedPaths(capabilities),
    ...resources.flatMap(resourceFaults),
    ...repeated(
      "the resource",
      resources.map(({ uri }) => uri),
    ),
    ...resourceTemplates.flatMap(templateFaults),
    ...repeated(
      "the template",
      resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    ),
    ...prompts.flatMap(promptFaults),
    ...repeated(
      "the prompt",
      prompts.map(({ name }) => name),
    ),
  ];
  if (faults.length > 0) throw new DefinitionError(faults);
}

/**
 * What Actions offer, once everyone has offered what they have. What comes later is not refused for it: it is on MCP too.
 * @throws {DefinitionError} for a chosen operation that is none, and for more than GPT Actions take.
 */
export function checkOperations(chosen: readonly string[] | undefined, { operations }: Catalog): void {
  const known = new Set(operations.map(({ name }) => name));
  const faults = (chosen ?? [])
    .filter((name) => !known.has(name))
    .map((name) => `ACTIONS_OPERATIONS: "${name}" is no capability that Actions can offer; name one of those, or take it out`);
  // Where some are slow, there is one that says what became of them.
  const count = operations.length + (operations.some(({ longRunning }) => longRunning) ? 1 : 0);
  if (count > MAX_OPERATIONS) {
    faults.push(`the operations: are ${count}, and GPT Actions take ${MAX_OPERATIONS}; name those they need in ACTIONS_OPERATIONS`);
  }
  if (faults.length > 0) throw new DefinitionError(faults);
}

function capabilityFaults(definition: CapabilityDefinition): string[] {
  const { name, title, description, path, aliases = [], scopes, timeLimit } = definition;
  const onActions = surfacesOf(definition).includes("actions");
  const faults: string[] = [];
  if (!NAME.test(name)) faults.push(`${name}: the name does not match ${NAME.source}; use lower case letters, digits and _`);
  if (path !== undefined && !NAME.test(path)) {
    faults.push(`${name}.path: "${path}" does not match ${NAME.source}; use lower case letters, digits and _`);
  }
  for (const alias of aliases) {
    if (!NAME.test(alias)) faults.push(`${name}.aliases: "${alias}" does not match ${NAME.source}; use lower case letters, digits and _`);
  }
  if (title.trim() === "") faults.push(`${name}.title: is empty; say in a few words what it does`);
  if (description.trim() === "") faults.push(`${name}.description: is empty; begin with "Use this when …"`);
  if (description.length > MAX_DESCRIPTION) {
    faults.push(`${name}.description: has ${description.length} characters; shorten it to ${MAX_DESCRIPTION}`);
  }
  if (surfacesOf(definition).length === 0) faults.push(`${name}.surfaces: is empty; name "mcp", "actions" or both, or leave it out`);
  return [
    ...faults,
    ...scopeFaults(name, scopes),
    ...timeFaults(`${name}.timeLimit`, timeLimit),
    ...longRunningFaults(definition),
    ...inputFaults(definition, onActions),
    ...outputFaults(definition, onActions),
    ...pagingFaults(definition),
  ];
}

function longRunningFaults({ name, longRunning }: CapabilityDefinition): string[] {
  if (!longRunning) return [];
  const { ttl, pollInterval } = longRunning;
  const place = `${name}.longRunning`;
  return [...timeFaults(`${place}.ttl`, ttl), ...timeFaults(`${place}.pollInterval`, pollInterval)];
}

function timeFaults(place: string, milliseconds: number | undefined): string[] {
  if (milliseconds === undefined) return [];
  if (Number.isInteger(milliseconds) && milliseconds > 0 && milliseconds <= MAX_TIME) return [];
  return [`${place}: ${milliseconds} is not a whole number of milliseconds from 1 to ${MAX_TIME}; give one`];
}

/** Names, old names and paths stand in one place of the URL, so that none may be there twice. */
function repeatedPaths(definitions: readonly CapabilityDefinition[]): string[] {
  const owners = new Map<string, string>(RESERVED_NAMES.map((name) => [name, "the service"]));
  const faults: string[] = [];
  for (const { name, path, aliases = [] } of definitions) {
    for (const last of [name, ...aliases, ...(path === undefined ? [] : [path])]) {
      const owner = owners.get(last);
      if (owner !== undefined) faults.push(`${name}: "${last}" is already a name, alias or path of ${owner}; choose another`);
      else owners.set(last, name);
    }
  }
  return faults;
}

function repeated(what: string, keys: readonly string[]): string[] {
  const twice = new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
  return [...twice].map((key) => `${what} ${key}: is there twice; keep one of them`);
}
