import type { Capability } from "./capability.ts";
import { compile } from "./compile.ts";
import { checkDefinitions } from "./definition-check.ts";
import type { Catalog, Change, FoundResource, Offer, Pack, ResourceTemplate } from "./registry.ts";
import { parseUriTemplate } from "./uri-template.ts";

/**
 * What some packs offer together, in their order.
 * @param callTimeLimit Milliseconds, for capabilities that set none.
 * @throws {DefinitionError} with every fault of every definition.
 */
export function createCatalog(packs: readonly Pack[], callTimeLimit: number): Catalog {
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
  const capabilityOf = indexed(capabilities, ({ name }) => name);
  const promptOf = indexed(prompts, ({ name }) => name);
  const resourceOf = indexed(resources, ({ uri }) => uri);
  const templateOf = indexed(resourceTemplates, ({ uriTemplate }) => uriTemplate);

  return {
    capabilities,
    resources,
    resourceTemplates,
    prompts,
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

/** Without what only Actions have. */
function shownOf({ path, surfaces, ...shown }: Capability) {
  return shown;
}

function indexed<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [keyOf(item), item]));
}

function scopesOf({ capabilities, resources, resourceTemplates, prompts }: Offer): readonly string[] {
  const all = [...capabilities, ...resources, ...resourceTemplates, ...prompts].map(({ scopes }) => scopes);
  return [...new Set(all.flatMap((scopes) => (scopes === "public" ? [] : scopes)))].sort();
}
