import type { Capability, CapabilityDefinition } from "./capability.ts";
import type { PromptDefinition, ResourceDefinition, ResourceTemplateDefinition } from "./features.ts";

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
  /** The capabilities that Actions offer. */
  readonly operations: readonly Capability[];
  /** By its name or an alias. */
  findCapability(name: string): Capability | undefined;
  findPrompt(name: string): PromptDefinition | undefined;
  /** The resource or the template that an address belongs to. */
  findResource(uri: string): FoundResource | undefined;
  findTemplate(uriTemplate: string): ResourceTemplate | undefined;
  /** The scopes that at least one thing needs, sorted. */
  readonly scopes: readonly string[];
  /** Those that at least one operation needs, sorted. */
  readonly operationScopes: readonly string[];
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
