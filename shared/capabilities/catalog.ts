import type { Access, Capability } from "./capability.ts";
import { compile } from "./compile.ts";
import { checkDefinitions } from "./definition-check.ts";
import type { Catalog, Change, FoundResource, Offer, Pack, ResourceTemplate } from "./offer.ts";
import { parseUriTemplate } from "./uri-template.ts";

export interface CatalogOptions {
  /** Milliseconds, for capabilities that set none. */
  readonly callTimeLimit: number;
  /** Names of the capabilities that Actions offer; all that may be there when absent. */
  readonly operations: readonly string[] | undefined;
}

/**
 * What some packs offer together, in their order.
 * @throws {DefinitionError} with every fault of every definition.
 */
export function createCatalog(packs: readonly Pack[], { callTimeLimit, operations: chosen }: CatalogOptions): Catalog {
  const offer: Offer = {
    capabilities: packs.flatMap((pack) => pack.capabilities ?? []),
    resources: packs.flatMap((pack) => pack.resources ?? []),
    resourceTemplates: packs.flatMap((pack) => pack.resourceTemplates ?? []),
    prompts: packs.flatMap((pack) => pack.prompts ?? []),
  };
  checkDefinitions(offer);
  const { resources, prompts } = offer;
  const capabilities = offer.capabilities.map((definition) => compile(definition, callTimeLimit));
  const resourceTemplates = offer.resourceTemplates.map(
    (definition): ResourceTemplate => ({ ...definition, match: parseUriTemplate(definition.uriTemplate).match }),
  );
  const operations = capabilities.filter(({ name, surfaces }) => surfaces.includes("actions") && (!chosen || chosen.includes(name)));
  const capabilityOf = new Map(capabilities.flatMap((capability) => namesOf(capability).map((name) => [name, capability])));
  const promptOf = indexed(prompts, ({ name }) => name);
  const resourceOf = indexed(resources, ({ uri }) => uri);
  const templateOf = indexed(resourceTemplates, ({ uriTemplate }) => uriTemplate);

  return {
    capabilities,
    resources,
    resourceTemplates,
    prompts,
    operations,
    findCapability: (name) => capabilityOf.get(name),
    findPrompt: (name) => promptOf.get(name),
    findTemplate: (uriTemplate) => templateOf.get(uriTemplate),
    findResource(uri): FoundResource | undefined {
      const resource = resourceOf.get(uri);
      if (resource) return { resource };
      for (const template of resourceTemplates) {
        const variables = template.match(uri);
        if (variables) return { template, variables };
      }
      return undefined;
    },
    scopes: scopesOf(offer),
    operationScopes: scopesIn(operations.map(({ access }) => access)),
  };
}

/** What clients would see otherwise than before. */
export function changesBetween(before: Catalog, after: Catalog): readonly Change[] {
  return LISTS.filter(({ listed }) => listed(before) !== listed(after)).map(({ topic }) => ({ topic }));
}

/** Each list as text. What a definition does is a function, which JSON leaves out: only what is shown counts. */
const LISTS = [
  {
    topic: "tools",
    listed: ({ capabilities }) => JSON.stringify(capabilities.filter(({ surfaces }) => surfaces.includes("mcp")).map(shownOf)),
  },
  { topic: "prompts", listed: ({ prompts }) => JSON.stringify(prompts) },
  { topic: "resources", listed: ({ resources, resourceTemplates }) => JSON.stringify([resources, resourceTemplates]) },
] as const satisfies readonly { readonly topic: string; readonly listed: (catalog: Catalog) => string }[];

/** Without what only Actions have, or nobody sees. */
function shownOf({ path, surfaces, aliases, ...shown }: Capability) {
  return shown;
}

function namesOf({ name, aliases }: Capability): readonly string[] {
  return [name, ...aliases];
}

function indexed<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [keyOf(item), item]));
}

function scopesOf({ capabilities, resources, resourceTemplates, prompts }: Offer): readonly string[] {
  return scopesIn([...capabilities, ...resources, ...resourceTemplates, ...prompts].map(({ scopes }) => scopes));
}

function scopesIn(all: readonly Access[]): readonly string[] {
  return [...new Set(all.flatMap((access) => (access === "public" ? [] : access)))].sort();
}
