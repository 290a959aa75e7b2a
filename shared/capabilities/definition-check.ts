import { type CapabilityDefinition, type LongRunning, NAME } from "./capability.ts";
import { surfacesOf } from "./compile.ts";
import { promptFaults, resourceFaults, templateFaults } from "./feature-check.ts";
import type { Offer } from "./registry.ts";
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

/** Characters that GPT Actions take of a description. */
const MAX_DESCRIPTION = 300;
/** Timers run no longer. Milliseconds. */
const MAX_TIME = 2 ** 31 - 1;

/** @throws {DefinitionError} with every fault of every definition. */
export function checkDefinitions({ capabilities, resources, resourceTemplates, prompts }: Offer): void {
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

function capabilityFaults(definition: CapabilityDefinition): string[] {
  const { name, title, description, path, scopes, timeLimit } = definition;
  const onActions = surfacesOf(definition).includes("actions");
  const faults: string[] = [];
  if (!NAME.test(name)) faults.push(`${name}: the name does not match ${NAME.source}; use lower case letters, digits and _`);
  if (path !== undefined && !NAME.test(path)) {
    faults.push(`${name}.path: "${path}" does not match ${NAME.source}; use lower case letters, digits and _`);
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
  ];
}

function longRunningFaults(definition: CapabilityDefinition): string[] {
  const { name, longRunning } = definition;
  if (!longRunning) return [];
  const { task, ttl, pollInterval } = longRunning satisfies LongRunning;
  const place = `${name}.longRunning`;
  const faults = [...timeFaults(`${place}.ttl`, ttl), ...timeFaults(`${place}.pollInterval`, pollInterval)];
  if (task !== "required" || !surfacesOf(definition).includes("actions")) return faults;
  return [...faults, `${place}.task: is required where Actions, which have no tasks, offer it; set surfaces to ["mcp"]`];
}

function timeFaults(place: string, milliseconds: number | undefined): string[] {
  if (milliseconds === undefined) return [];
  if (Number.isInteger(milliseconds) && milliseconds > 0 && milliseconds <= MAX_TIME) return [];
  return [`${place}: ${milliseconds} is not a whole number of milliseconds from 1 to ${MAX_TIME}; give one`];
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

function repeated(what: string, keys: readonly string[]): string[] {
  const twice = new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
  return [...twice].map((key) => `${what} ${key}: is there twice; keep one of them`);
}
