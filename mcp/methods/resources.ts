import { requireAccess } from "../../shared/capabilities/access.ts";
import type { Asker } from "../../shared/capabilities/ask.ts";
import { type Access, CapabilityError, type Context } from "../../shared/capabilities/capability.ts";
import type { ResourceBody, ResourceDefinition } from "../../shared/capabilities/features.ts";
import type { FoundResource, ResourceTemplate } from "../../shared/capabilities/offer.ts";
import { withTimeLimit } from "../../shared/capabilities/time-limit.ts";
import { withAnswers } from "../asking/rounds.ts";
import { McpError } from "../protocol/errors.ts";
import type { Call, MethodHandler } from "./call.ts";
import { contentsOf } from "./content.ts";
import { inContext } from "./context.ts";
import { protocolError } from "./failure.ts";
import { createListing } from "./listing.ts";
import { renderCacheable } from "./result.ts";

/** `resources/list` */
export const listResources: MethodHandler = createListing<ResourceDefinition>({
  member: "resources",
  itemsOf: ({ resources }) => resources,
  accessOf: ({ scopes }) => scopes,
  keyOf: ({ uri }) => uri,
  render: ({ uri, name, title, description, mimeType, size, annotations }) => ({
    uri,
    name,
    title,
    description,
    mimeType,
    size,
    annotations,
  }),
});

/** `resources/templates/list` */
export const listResourceTemplates: MethodHandler = createListing<ResourceTemplate>({
  member: "resourceTemplates",
  itemsOf: ({ resourceTemplates }) => resourceTemplates,
  accessOf: ({ scopes }) => scopes,
  keyOf: ({ uriTemplate }) => uriTemplate,
  render: ({ uriTemplate, name, title, description, mimeType, annotations }) => ({
    uriTemplate,
    name,
    title,
    description,
    mimeType,
    annotations,
  }),
});

/** Milliseconds: what was read may change at any time, and only who subscribed hears of it. */
const READING_TTL = 0;

/** `resources/read` */
export const readResource: MethodHandler = (call) => {
  const { uri } = call.params;
  if (typeof uri !== "string") throw new McpError("invalid_params", "resources/read needs a uri.");
  const found = findReadable(call, uri);
  return withAnswers(call, { method: "resources/read", singleUse: false }, (asker) => read(call, uri, found, asker));
};

/**
 * The resource, or the template, that an address belongs to.
 * @throws {McpError} `resource_not_found`
 * @throws {CapabilityError} `unauthenticated` or `insufficient_scope`
 */
export function findReadable({ service, caller }: Call, uri: string): FoundResource {
  const found = service.registry.catalog.findResource(uri);
  if (!found) throw notFound(uri);
  requireAccess(accessOf(found), caller);
  return found;
}

export function accessOf(found: FoundResource): Access {
  return definitionOf(found).scopes;
}

async function read(call: Call, uri: string, found: FoundResource, asker: Asker): Promise<string> {
  try {
    const body = await inContext(call, asker, (context) =>
      withTimeLimit(call.service.config.callTimeLimit, context, (limited) => bodyOf(found, limited)),
    );
    return renderCacheable(call.era, { contents: contentsOf(uri, definitionOf(found).mimeType, body) }, READING_TTL);
  } catch (error) {
    throw error instanceof CapabilityError && error.code === "not_found" ? notFound(uri) : protocolError(error);
  }
}

function bodyOf(found: FoundResource, context: Context): Promise<ResourceBody> | ResourceBody {
  return "resource" in found ? found.resource.read(context) : found.template.read(found.variables, context);
}

function definitionOf(found: FoundResource): ResourceDefinition | ResourceTemplate {
  return "resource" in found ? found.resource : found.template;
}

function notFound(uri: string): McpError {
  return new McpError("resource_not_found", "There is no resource with this uri.", { uri });
}
