import { McpError } from "../protocol/errors.ts";
import type { MethodHandler } from "./call.ts";
import { createListing } from "./listing.ts";

interface Resource {
  readonly uri: string;
  readonly name: string;
}

interface ResourceTemplate {
  readonly uriTemplate: string;
  readonly name: string;
}

/** `resources/list`: no capability has resources. */
export const listResources = createListing<Resource>({ member: "resources", items: [], keyOf: ({ uri }) => uri });

/** `resources/templates/list` */
export const listResourceTemplates = createListing<ResourceTemplate>({
  member: "resourceTemplates",
  items: [],
  keyOf: ({ uriTemplate }) => uriTemplate,
});

/** `resources/read` */
export const readResource: MethodHandler = ({ params }) => {
  const { uri } = params;
  if (typeof uri !== "string") throw new McpError("invalid_params", "resources/read needs a uri.");
  throw new McpError("resource_not_found", "There is no resource with this uri.", { uri });
};
