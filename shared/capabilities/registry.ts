import type { Config } from "../config.ts";
import { authSession } from "./auth-session.ts";
import type { Capability, CapabilityDefinition } from "./capability.ts";
import { changesBetween, createCatalog } from "./catalog.ts";
import type { PromptDefinition, ResourceDefinition, ResourceTemplateDefinition } from "./features.ts";
import { healthCheck } from "./health-check.ts";
import { identityProfile } from "./identity-profile.ts";
import type { PackName } from "./pack-names.ts";
import { todos } from "./todos.ts";

/** Things that belong together and are switched on together. */
export interface Pack {
  // biome-ignore lint/suspicious/noExplicitAny: each definition has types of its own.
  readonly capabilities?: readonly CapabilityDefinition<any, any, any>[];
  readonly resources?: readonly ResourceDefinition[];
  readonly resourceTemplates?: readonly ResourceTemplateDefinition[];
  readonly prompts?: readonly PromptDefinition[];
}

/** All packs in one. */
export type Offer = Required<Pack>;

/** Offers things that come and go while the service runs. */
export interface Provider {
  /** Called once. What it returns is offered at first. */
  start(announcer: Announcer): Pack;
}

/** What a provider says when something changed. */
export interface Announcer {
  /**
   * Offers this pack from now on, instead of what the provider offered before; clients that listen hear of it.
   * @throws {DefinitionError} and nothing changes.
   */
  offer(pack: Pack): void;
  /** Clients that subscribed to the resource hear that it changed. */
  updated(uri: string): void;
}

/** All that is offered at one moment, in a fixed order. A change makes another catalog. */
export interface Catalog {
  readonly capabilities: readonly Capability[];
  readonly resources: readonly ResourceDefinition[];
  readonly resourceTemplates: readonly ResourceTemplate[];
  readonly prompts: readonly PromptDefinition[];
  findCapability(name: string): Capability | undefined;
  findPrompt(name: string): PromptDefinition | undefined;
  /** The resource or the template that an address belongs to. */
  findResource(uri: string): FoundResource | undefined;
  findTemplate(uriTemplate: string): ResourceTemplate | undefined;
  /** The scopes that at least one thing needs, sorted. */
  readonly scopes: readonly string[];
}

export interface ResourceTemplate extends ResourceTemplateDefinition {
  /** The variables of an address of this form, decoded; nothing for any other address. */
  match(uri: string): Readonly<Record<string, string>> | undefined;
}

export type FoundResource =
  | { readonly resource: ResourceDefinition }
  | { readonly template: ResourceTemplate; readonly variables: Readonly<Record<string, string>> };

/** What has changed, for those who listen. */
export type Change = { readonly topic: "tools" | "prompts" | "resources" } | { readonly topic: "resource"; readonly uri: string };

export interface Registry {
  /** What is offered now. */
  readonly catalog: Catalog;
  /** Called after each change in this process, in order. */
  onChange(listener: (change: Change) => void): void;
}

/** What `CAPABILITIES` can name. */
const PACKS: Readonly<Record<PackName, Pack>> = {
  core: { capabilities: [healthCheck, identityProfile, authSession] },
  todos: { capabilities: todos },
};

export interface RegistryOptions {
  /** Milliseconds that a call may take, unless its capability says otherwise; a minute when absent. */
  readonly callTimeLimit?: number;
  /** They offer after the packs, in this order. */
  readonly providers?: readonly Provider[];
  /** Told of each change, after those who listen here. */
  readonly announce?: (change: Change) => void;
}

/**
 * The packs that the configuration names, and what providers offer beside them.
 * @throws {DefinitionError} with every fault of every definition.
 */
export function createRegistry(
  { capabilityPacks, callTimeLimit }: Pick<Config, "capabilityPacks" | "callTimeLimit">,
  options: Omit<RegistryOptions, "callTimeLimit"> = {},
): Registry {
  return registryOf(
    [...new Set(capabilityPacks)].map((pack) => PACKS[pack]),
    { ...options, callTimeLimit },
  );
}

/** A registry of these packs. @throws {DefinitionError} with every fault of every definition. */
export function registryOf(packs: readonly Pack[], options: RegistryOptions = {}): Registry {
  const { callTimeLimit = 60_000, providers = [], announce } = options;
  const listeners: ((change: Change) => void)[] = [];
  const tell = (change: Change) => {
    for (const listener of listeners) listener(change);
    announce?.(change);
  };

  let offered: readonly Pack[] = providers.map(() => ({}));
  let catalog = createCatalog(packs, callTimeLimit);
  const take = (provider: number, pack: Pack): readonly Change[] => {
    const next = offered.with(provider, pack);
    const after = createCatalog([...packs, ...next], callTimeLimit);
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
