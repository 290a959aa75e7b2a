import type { Access, Context } from "./capability.ts";
import type { Annotations, ContentBlock, ResourceContents } from "./content.ts";

/** Suggests values for what was typed so far: the best first, at most 100 are shown (MCP 2026-07-28 server/utilities/completion). */
export type Completer = (typed: string, context: CompletionContext) => readonly string[] | Promise<readonly string[]>;

export interface CompletionContext extends Pick<Context, "caller" | "records" | "signal" | "now" | "log"> {
  /** Other arguments that are already filled in. */
  readonly arguments: Readonly<Record<string, string>>;
}

/** What reading a resource gives: text, bytes, or several contents each with its own address. */
export type ResourceBody = string | Uint8Array | readonly ResourceContents[];

interface ResourceDescription {
  /** For programs; titles are for people. */
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly annotations?: Annotations;
  readonly scopes: Access;
}

/** Something to read at one address (MCP 2026-07-28 server/resources). */
export interface ResourceDefinition extends ResourceDescription {
  /** Absolute (RFC 3986). */
  readonly uri: string;
  /** Bytes. */
  readonly size?: number;
  /** @throws {CapabilityError} for every outcome the caller should know of. */
  read(context: Context): Promise<ResourceBody> | ResourceBody;
}

/** Things to read at addresses of one form. */
export interface ResourceTemplateDefinition extends ResourceDescription {
  /** RFC 6570 level 1: `{name}` stands for one or more characters without a slash. */
  readonly uriTemplate: string;
  readonly complete?: Readonly<Record<string, Completer>>;
  /** @throws {CapabilityError} `not_found` when nothing is there, and for every other outcome the caller should know of. */
  read(variables: Readonly<Record<string, string>>, context: Context): Promise<ResourceBody> | ResourceBody;
}

export interface PromptMessage {
  readonly role: "user" | "assistant";
  readonly content: ContentBlock;
}

export interface PromptArgument {
  readonly title?: string;
  readonly description: string;
  readonly required?: boolean;
  readonly complete?: Completer;
}

/** A message that people pick and fill in (MCP 2026-07-28 server/prompts). */
export interface PromptDefinition {
  /** Same pattern as a capability's. */
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly scopes: Access;
  readonly arguments?: Readonly<Record<string, PromptArgument>>;
  /** @throws {CapabilityError} for every outcome the caller should know of. */
  get(given: Readonly<Record<string, string>>, context: Context): Promise<readonly PromptMessage[]> | readonly PromptMessage[];
}

/** Names a definition's type; the registry checks it. */
export function defineResource(definition: ResourceDefinition): ResourceDefinition {
  return definition;
}

/** Names a definition's type; the registry checks it. */
export function defineResourceTemplate(definition: ResourceTemplateDefinition): ResourceTemplateDefinition {
  return definition;
}

/** Names a definition's type; the registry checks it. */
export function definePrompt(definition: PromptDefinition): PromptDefinition {
  return definition;
}
