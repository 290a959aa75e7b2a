import type { Config } from "../config.ts";
import { type CapabilitySettings, capabilitySettingsOf } from "../config-capabilities.ts";
import { authSession } from "./auth-session.ts";
import { calculate } from "./calculator/calculate.ts";
import { changesBetween, createCatalog } from "./catalog.ts";
import { checkOperations } from "./definition-check.ts";
import { healthCheck } from "./health-check.ts";
import { identityProfile } from "./identity-profile.ts";
import { knowledgePack } from "./knowledge/pack.ts";
import type { Catalog, Change, Pack, Provider } from "./offer.ts";
import { own } from "./own/own.ts";
import type { PackName } from "./pack-names.ts";
import { analyzeText } from "./text-analysis/analyze-text.ts";
import { todos } from "./todos.ts";
import { weatherPack } from "./weather/get-weather.ts";
import { webSearchPack } from "./web-search/search-web.ts";

export interface Registry {
  /** What is offered now. */
  readonly catalog: Catalog;
  /** Called after each change in this process, in order. */
  onChange(listener: (change: Change) => void): void;
}

/** What `CAPABILITIES` can name. */
const PACKS: Readonly<Record<PackName, (settings: CapabilitySettings, stopping: AbortSignal | undefined) => Pack>> = {
  core: () => ({ capabilities: [healthCheck, identityProfile, authSession] }),
  todos: () => ({ capabilities: todos }),
  knowledge: ({ knowledge }, stopping) => knowledgePack(knowledge, stopping),
  calculator: () => ({ capabilities: [calculate] }),
  weather: ({ weather }) => weatherPack(weather),
  web_search: ({ webSearch }) => webSearchPack(webSearch),
  text_analysis: () => ({ capabilities: [analyzeText] }),
  own: () => ({ capabilities: own }),
};

/** What packs are told where nobody configured them. */
const UNCONFIGURED = capabilitySettingsOf({}, { publicUrl: "http://localhost:4000", publicUrlIsLoopback: true });

export interface RegistryOptions {
  /** Milliseconds that a call may take, unless its capability says otherwise; a minute when absent. */
  readonly callTimeLimit?: number;
  /** Names of the capabilities that Actions offer; all that may be there when absent. */
  readonly operations?: readonly string[] | undefined;
  /** They offer after the packs, in this order. */
  readonly providers?: readonly Provider[];
  /** Told of each change, after those who listen here. */
  readonly announce?: (change: Change) => void;
  /** Ends what packs hold open. */
  readonly stopping?: AbortSignal;
}

/**
 * The packs that the configuration names, and what providers offer beside them.
 * @throws {DefinitionError} with every fault of every definition, or of what Actions are to offer.
 */
export function createRegistry(
  {
    capabilityPacks,
    callTimeLimit,
    operations,
    capabilities = UNCONFIGURED,
  }: Pick<Config, "capabilityPacks" | "callTimeLimit"> & Partial<Pick<Config, "operations" | "capabilities">>,
  options: Omit<RegistryOptions, "callTimeLimit" | "operations"> = {},
): Registry {
  const registry = registryOf(
    [...new Set(capabilityPacks)].map((pack) => PACKS[pack](capabilities, options.stopping)),
    { ...options, callTimeLimit, operations },
  );
  checkOperations(operations, registry.catalog);
  return registry;
}

/** A registry of these packs. @throws {DefinitionError} with every fault of every definition. */
export function registryOf(packs: readonly Pack[], options: RegistryOptions = {}): Registry {
  const { callTimeLimit = 60_000, operations, providers = [], announce } = options;
  const catalogOptions = { callTimeLimit, operations };
  const listeners: ((change: Change) => void)[] = [];
  const tell = (change: Change) => {
    for (const listener of listeners) listener(change);
    announce?.(change);
  };

  let offered: readonly Pack[] = providers.map(() => ({}));
  let catalog = createCatalog(packs, catalogOptions);
  const take = (provider: number, pack: Pack): readonly Change[] => {
    const next = offered.with(provider, pack);
    const after = createCatalog([...packs, ...next], catalogOptions);
    const changes = changesBetween(catalog, after);
    offered = next;
    catalog = after;
    return changes;
  };
  for (const [index, provider] of providers.entries()) {
    const first = provider.start({
      offer: (pack) => take(index, pack).forEach(tell),
      updated: (uri) => tell({ topic: "resource", uri }),
    });
    take(index, first);
  }

  return {
    get catalog() {
      return catalog;
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
